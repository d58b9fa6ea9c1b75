using System.Diagnostics;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>What customers noticed of a fault, from the moment of the break to that of the recovery.</summary>
internal sealed record FaultWindow(double OfferedRate, TimeSpan Outage, TimeSpan CalmP99)
{
    // Who came in this time before the break may be hit by it.
    private static readonly long Margin = Stopwatch.Frequency / 2;

    /// <param name="load">Stopped.</param>
    /// <param name="broken">Timestamp of the break.</param>
    /// <param name="recovered">Timestamp at which orders were accepted again for a while.</param>
    public static FaultWindow Of(Load load, long broken, long recovered)
    {
        var purchases = load.Purchases.ToArray();
        var offered = purchases.Count(purchase => purchase.Offered >= broken && purchase.Offered < recovered);
        var answers = purchases
            .Where(purchase => purchase.Answered is not null)
            .Select(purchase => purchase.AnsweredAt)
            .Prepend(load.Started)
            .Order()
            .ToArray();
        // A pause before the break, or after the recovery, is not the fault's.
        var outage = answers
            .Zip(answers.Skip(1))
            .Where(pair => pair.Second > broken && pair.First < recovered)
            .DefaultIfEmpty((First: broken, Second: broken))
            .MaxBy(pair => pair.Second - pair.First);
        var calm = purchases
            .Where(purchase =>
                purchase.Answered is not null
                && (purchase.Due < broken - Margin || purchase.Due > Math.Max(recovered, outage.Second))
            )
            .Select(purchase => purchase.Latency)
            .Order()
            .ToArray();
        return new(
            offered / Stopwatch.GetElapsedTime(broken, recovered).TotalSeconds,
            Stopwatch.GetElapsedTime(outage.First, outage.Second),
            calm.Length == 0 ? TimeSpan.Zero : calm[(int)(calm.Length * 0.99)]
        );
    }
}
