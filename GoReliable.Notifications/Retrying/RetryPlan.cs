using GoReliable.ServiceDefaults.Messaging;

namespace GoReliable.Notifications.Retrying;

/// <summary>Where a message waits for its next attempt, and how long.</summary>
internal readonly record struct Retry(string Queue, TimeSpan Delay);

/// <summary>When to try again, and when to give up.</summary>
internal static class RetryPlan
{
    /// <summary>The share of a delay that jitter may take away, so that what failed together does not come back together.</summary>
    public const double Jitter = 0.2;

    /// <summary>The retry after that many failed attempts, or null when it was the last.</summary>
    /// <param name="attempts">Failed attempts so far, from 1.</param>
    /// <param name="random">From 0 to 1. Jitter only shortens: the queue lets nothing wait longer than its own time.</param>
    public static Retry? After(int attempts, double random)
    {
        if (attempts > OrderTopology.RetryDelays.Count)
            return null;
        var delay = OrderTopology.RetryDelays[attempts - 1];
        return new Retry(OrderTopology.RetryQueue(delay), delay * (1 - Jitter * random));
    }
}
