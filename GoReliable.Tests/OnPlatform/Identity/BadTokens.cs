using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>Headers that must not let anybody in.</summary>
internal static class BadTokens
{
    /// <summary>Whose tokens they claim to be.</summary>
    public const string Customer = "mallory-without-a-good-token";

    /// <summary>The value of <c>Authorization</c> by what is wrong with it; null is none at all.</summary>
    public static IReadOnlyDictionary<string, Func<TokenIssuer, string?>> All { get; } =
        new Dictionary<string, Func<TokenIssuer, string?>>
        {
            ["no token"] = _ => null,
            ["nothing after Bearer"] = _ => "Bearer",
            ["another scheme"] = tokens => $"Basic {tokens.Issue(Customer)}",
            ["no scheme"] = tokens => tokens.Issue(Customer),
            ["expired"] = Issued(token =>
                (token.NotBefore, token.Expires) = (DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddMinutes(-1))
            ),
            ["never expires"] = Issued(token => token.Expires = null),
            ["not yet valid"] = Issued(token => token.NotBefore = DateTime.UtcNow.AddMinutes(10)),
            ["wrong audience"] = Issued(token => token.Audience = "somebody-else"),
            ["no audience"] = Issued(token => token.Audience = null),
            ["wrong issuer"] = Issued(token => token.Issuer = "https://somebody.else"),
            ["no issuer"] = Issued(token => token.Issuer = null),
            ["wrong signature"] = _ => $"Bearer {TokenIssuer.Development(TokenIssuer.NewKey()).Issue(Customer)}",
            ["alg none"] = Issued(token => token.SigningCredentials = null),
            ["alg none with a signature"] = tokens =>
                $"Bearer {Unsigned(tokens)}{tokens.Issue(Customer).Split('.')[2]}",
            ["signature cut off"] = tokens => $"Bearer {string.Join('.', tokens.Issue(Customer).Split('.')[..2])}.",
            ["changed after it was signed"] = tokens => $"Bearer {Mixed(tokens)}",
            ["no subject"] = tokens => $"Bearer {tokens.Issue(customer: null)}",
            ["empty subject"] = Of(""),
            ["subject is a space"] = Of(" "),
            ["subject with NUL"] = Of($"{Customer}\0"),
            ["subject with a line break"] = Of($"{Customer}\r\nX-Admin: yes"),
            ["subject beyond ASCII"] = Of("mallóry"),
            ["subject too long"] = Of(new string('m', 256)),
            ["subject is half a character"] = Raw("""{"sub":"mallory\ud800",$rest,"exp":$exp}"""),
            ["two subjects"] = Raw("""{"sub":["mallory","alice"],$rest,"exp":$exp}"""),
            ["subject is an object"] = Raw("""{"sub":{"is":1},$rest,"exp":$exp}"""),
            ["payload is no JSON"] = Raw("mallory"),
            ["expiry is a word"] = Raw("""{"sub":"mallory",$rest,"exp":"never"}"""),
            ["expiry beyond all time"] = Raw("""{"sub":"mallory",$rest,"nbf":99999999999999999999,"exp":1e400}"""),
            ["two tokens"] = tokens => $"Bearer {tokens.Issue(Customer)}, Bearer {tokens.Issue(Customer)}",
            ["dots"] = _ => "Bearer ..",
            ["five parts, as if encrypted"] = _ => "Bearer eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.a.b.c.d",
            ["8 KB of garbage"] = _ => $"Bearer {new string('A', 8 * 1024)}",
            ["8 KB of garbage in three parts"] = _ => $"Bearer {new string('A', 4096)}.{new string('e', 4096)}.x",
        };

    private static Func<TokenIssuer, string> Issued(Action<SecurityTokenDescriptor> change) =>
        tokens => $"Bearer {tokens.Issue(Customer, change: change)}";

    private static Func<TokenIssuer, string> Of(string customer) => tokens => $"Bearer {tokens.Issue(customer)}";

    private static Func<TokenIssuer, string> Raw(string payload) =>
        tokens =>
            "Bearer "
            + tokens.IssueRaw(
                payload.Replace(
                    "$rest",
                    """ "scope":"orders:read orders:write","iss":"$iss","aud":"goreliable" """,
                    StringComparison.Ordinal
                )
            );

    private static string Unsigned(TokenIssuer tokens) =>
        Base64UrlEncoder.Encode(Encoding.UTF8.GetBytes("""{"alg":"none","typ":"JWT"}"""))
        + $".{tokens.Issue(Customer).Split('.')[1]}.";

    // The claims of one token, with the signature of another.
    private static string Mixed(TokenIssuer tokens)
    {
        var (wanted, owned) = (tokens.Issue(Customer).Split('.'), tokens.Issue("somebody").Split('.'));
        return $"{wanted[0]}.{wanted[1]}.{owned[2]}";
    }
}
