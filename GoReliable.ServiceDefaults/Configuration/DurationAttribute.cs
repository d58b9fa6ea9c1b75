using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// Bounds of a setting that is a length of time. .NET reads a number alone as days, which hardly anybody means.
/// </summary>
/// <param name="shortest">As <c>hours:minutes:seconds</c>.</param>
/// <param name="longest">The same.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DurationAttribute(string shortest, string longest) : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        FindMistake(validationContext.DisplayName, (TimeSpan)value!, Parse(shortest), Parse(longest)) is { } mistake
            ? new ValidationResult(mistake, [validationContext.DisplayName])
            : ValidationResult.Success;

    /// <summary>What is wrong with a duration, or null.</summary>
    public static string? FindMistake(string name, TimeSpan value, TimeSpan shortest, TimeSpan longest) =>
        value < shortest || value > longest ? Describe(name, $"{value}", shortest, longest) : null;

    /// <summary>Reads a setting that is needed before there are options.</summary>
    /// <exception cref="InvalidSettingException">It is no duration, or out of bounds.</exception>
    public static TimeSpan Read(
        IConfiguration configuration,
        string name,
        TimeSpan @default,
        TimeSpan shortest,
        TimeSpan longest
    )
    {
        if (configuration[name] is not { Length: > 0 } text)
            return @default;
        if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value))
            throw new InvalidSettingException(Describe(name, $"'{text}'", shortest, longest));
        return FindMistake(name, value, shortest, longest) is { } mistake
            ? throw new InvalidSettingException(mistake)
            : value;
    }

    private static TimeSpan Parse(string duration) => TimeSpan.Parse(duration, CultureInfo.InvariantCulture);

    private static string Describe(string name, string value, TimeSpan shortest, TimeSpan longest) =>
        $"{name} is {value}, but must be from {shortest} to {longest} "
        + "(hours:minutes:seconds; a number alone means days).";
}
