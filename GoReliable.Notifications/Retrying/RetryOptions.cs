using System.ComponentModel.DataAnnotations;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Retrying;

/// <summary>
/// How often a failed delivery is tried again, and when, from the section <c>Retry</c>. Read at start-up.
/// </summary>
internal sealed class RetryOptions : IValidatableObject
{
    public const string Section = "Retry";

    private const int MaxDelays = 10;
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(12);
    private static readonly TimeSpan[] Default =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(10),
        TimeSpan.FromSeconds(60),
    ];

    /// <summary>Waits before the second, the third, … attempt; 1, 10 and 60 seconds where none is given.</summary>
    // Empty instead of the default: the binder would add to what is there.
    public List<TimeSpan> Delays { get; set; } = [];

    /// <summary>The waits that are in force.</summary>
    public IReadOnlyList<TimeSpan> Effective => Delays.Count == 0 ? Default : Delays;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Delays.Count > MaxDelays)
            yield return new ValidationResult(
                $"Retry:Delays has {Delays.Count} entries, but {MaxDelays} at most are allowed."
            );
        foreach (var (i, delay) in Delays.Index())
        {
            if (DurationAttribute.FindMistake($"Retry:Delays:{i}", delay, Shortest, Longest) is { } mistake)
                yield return new ValidationResult(mistake);
        }
    }
}
