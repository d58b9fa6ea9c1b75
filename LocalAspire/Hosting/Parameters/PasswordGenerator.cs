using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

internal static class PasswordGenerator
{
    // Aspire's character sets: without letters that look alike, and without what URLs, shells or connection strings give a meaning.
    private const string LowerChars = "abcdefghjkmnpqrstuvwxyz";
    private const string UpperChars = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const string NumericChars = "0123456789";
    private const string SpecialChars = "-_.{}~()*+!";

    public static string Generate(GenerateParameterDefault rules)
    {
        (bool Allowed, int Least, string Chars)[] kinds =
        [
            (rules.Lower, rules.MinLower, LowerChars),
            (rules.Upper, rules.MinUpper, UpperChars),
            (rules.Numeric, rules.MinNumeric, NumericChars),
            (rules.Special, rules.MinSpecial, SpecialChars),
        ];
        if (kinds.Any(k => !k.Allowed && k.Least > 0) || !kinds.Any(k => k.Allowed))
            throw new ArgumentException("The rules ask for characters that they do not allow.", nameof(rules));

        var password = kinds.SelectMany(k => RandomNumberGenerator.GetItems<char>(k.Chars, k.Least)).ToList();
        var all = string.Concat(kinds.Where(k => k.Allowed).Select(k => k.Chars));
        password.AddRange(RandomNumberGenerator.GetItems<char>(all, Math.Max(0, rules.MinLength - password.Count)));

        var shuffled = password.ToArray();
        RandomNumberGenerator.Shuffle<char>(shuffled);
        return new string(shuffled);
    }
}
