using GoReliable.Messaging;
using Microsoft.Extensions.Options;

namespace GoReliable.Notifications.Retrying;

/// <summary>Where a message waits for its next attempt, and how long.</summary>
internal readonly record struct ScheduledRetry(string Queue, TimeSpan Delay);

/// <summary>When to try again, and when to give up.</summary>
internal sealed class RetryPlan(IOptions<RetryOptions> options)
{
    /// <summary>
    /// The share of a delay that jitter may take away, so that what failed together does not come back together.
    /// </summary>
    public const double Jitter = 0.2;

    private const int DeferralsPerDelay = 5;

    private readonly IReadOnlyList<TimeSpan> delays = options.Value.Effective;

    /// <summary>Every delay once: each has a queue.</summary>
    public IReadOnlyList<TimeSpan> Queues { get; } = [.. options.Value.Effective.Distinct()];

    /// <summary>
    /// The delay of a deferred message, which is not an attempt: a few times the first delay, as often the second, and
    /// so on. Thousands of messages that wait for one mail server must not come back every second.
    /// </summary>
    /// <param name="deferrals">How often it was deferred before, from 0.</param>
    /// <param name="random">From 0 to 1.</param>
    public ScheduledRetry Deferral(int deferrals, double random) =>
        Schedule(delays[Math.Min(deferrals / DeferralsPerDelay, delays.Count - 1)], random);

    /// <summary>The retry after that many failed attempts, or null when it was the last.</summary>
    /// <param name="attempts">Failed attempts so far, from 1.</param>
    /// <param name="random">
    /// From 0 to 1. Jitter only shortens: the queue lets nothing wait longer than its own time.
    /// </param>
    public ScheduledRetry? After(int attempts, double random) =>
        attempts > delays.Count ? null : Schedule(delays[attempts - 1], random);

    private static ScheduledRetry Schedule(TimeSpan delay, double random) =>
        new(OrderTopology.RetryQueue(delay), delay * (1 - Jitter * random));
}
