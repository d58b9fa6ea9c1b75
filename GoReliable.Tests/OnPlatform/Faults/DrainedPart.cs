using System.Diagnostics;
using System.Globalization;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>How a part of the outbox drained.</summary>
/// <param name="Speed">Events a second: the median of its fifths.</param>
/// <param name="BestSpeed">In the best fifth.</param>
/// <param name="Memory">The largest working set of Orders that was seen, in bytes.</param>
internal sealed record DrainedPart(double Speed, double BestSpeed, double Memory)
{
    private const int Fifths = 5;

    /// <summary>Watches from one number of confirmed messages to another.</summary>
    /// <param name="orders">The management port of Orders.</param>
    /// <param name="from">Confirmed messages when it begins, at least.</param>
    /// <param name="to">And when it ends.</param>
    public static async Task<DrainedPart> WatchAsync(HttpClient orders, long from, long to)
    {
        var (marks, times, memory, started) = (new List<double>(), new List<TimeSpan>(), 0.0, Stopwatch.GetTimestamp());
        var (lastTime, lastSent) = (TimeSpan.Zero, 0.0);
        await Poll.UntilAsync(
            $"{to} confirmed messages",
            async () =>
            {
                var scrape = await Exposition.ScrapeAsync(orders);
                var (now, sent) = (
                    Stopwatch.GetElapsedTime(started),
                    scrape.Sum("goreliable_order_service_outbox_messages_published_total", ("result", "confirmed"))
                );
                memory = Math.Max(memory, scrape.Sum("dotnet_process_memory_working_set_bytes"));
                // A scrape may come from a cache, a third of a second old. Only a changed value has a known time.
                if (sent == lastSent)
                    return sent;
                if (marks.Count == 0 && sent >= Math.Max(1, from) && sent < to)
                    marks.AddRange(Enumerable.Range(0, Fifths + 1).Select(i => sent + (to - sent) * i / Fifths));
                // Interpolates linearly between two values.
                for (; times.Count < marks.Count && sent >= marks[times.Count]; )
                    times.Add(lastTime + (now - lastTime) * ((marks[times.Count] - lastSent) / (sent - lastSent)));
                (lastTime, lastSent) = (now, sent);
                return sent;
            },
            sent => sent >= to,
            TimeSpan.FromSeconds(60 + to / 1000)
        );

        // It was over before anybody looked.
        if (marks.Count == 0)
            return new DrainedPart(double.PositiveInfinity, double.PositiveInfinity, memory);
        var speeds = times
            .Zip(times.Skip(1), (begin, end) => (marks[1] - marks[0]) / (end - begin).TotalSeconds)
            .ToList();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"events {marks[0]:F0} to {to}, a second: "
                + $"{string.Join(' ', speeds.Select(speed => speed.ToString("F0", CultureInfo.InvariantCulture)))}; "
                + $"working set of orders up to {memory / (1024 * 1024):F0} MiB"
        );
        return new DrainedPart(speeds.Order().ElementAt(Fifths / 2), speeds.Max(), memory);
    }
}
