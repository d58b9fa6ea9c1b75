using System.ComponentModel.DataAnnotations;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.ServiceDefaults.Lifecycle;

/// <summary>How long a service takes to stop, from the section <c>Shutdown</c>.</summary>
public sealed class ShutdownOptions : IValidatableObject
{
    internal const string Section = "Shutdown";

    // Between the delay and the deadline, for work in progress.
    private static readonly TimeSpan MinTimeForWork = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long the service still answers every request after it has reported that it is not ready: until load
    /// balancers have noticed. In development nothing watches readiness, so the delay is zero there.
    /// </summary>
    public TimeSpan ReadinessDelay { get; set; }

    /// <summary>
    /// From the signal to the end of the last request or message; what is unfinished by then is broken off. The last
    /// telemetry takes up to 5 seconds more, so whoever kills must wait longer than both: our pods have 40 seconds
    /// (Kubernetes' default is 30).
    /// </summary>
    [Duration("00:00:01", "01:00:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(25);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (
            DurationAttribute.FindMistake(
                $"{Section}:{nameof(ReadinessDelay)}",
                ReadinessDelay,
                TimeSpan.Zero,
                Deadline - MinTimeForWork
            ) is
            { } mistake
        )
            yield return new ValidationResult(mistake);
    }
}
