using System.Diagnostics;
using System.Globalization;
using GoReliable.Tests.Platform;
using GoReliable.Tests.Signals;

namespace GoReliable.Tests.Faults;

/// <summary>How a part of the outbox drained.</summary>
/// <param name="BestSpeed">Events a second, in the best fifth of it.</param>
/// <param name="Memory">The largest working set of Orders that was seen, in bytes.</param>
internal sealed record DrainedPart(double BestSpeed, double Memory)
{
    private const int Fifths = 5;

    /// <summary>Watches from one number of confirmed messages to another.</summary>
    /// <param name="orders">The management port of Orders.</param>
    /// <param name="from">Confirmed messages when it begins; with 0, the first one.</param>
    /// <param name="to">And when it ends.</param>
    public static async Task<DrainedPart> WatchAsync(HttpClient orders, long from, long to)
    {
        var marks = Enumerable.Range(0, Fifths + 1).Select(i => Math.Max(1, from + (to - from) * (double)i / Fifths)).ToList();
        var (times, memory, started) = (new List<TimeSpan>(), 0.0, Stopwatch.GetTimestamp());
        var (lastTime, lastSent) = (TimeSpan.Zero, 0.0);
        await Eventually.SeeAsync(
            $"{to} confirmed messages",
            async () =>
            {
                var scrape = await Exposition.ScrapeAsync(orders);
                var (now, sent) = (Stopwatch.GetElapsedTime(started), scrape.Sum("goreliable_order_service_outbox_messages_published_total", ("result", "confirmed")));
                memory = Math.Max(memory, scrape.Sum("dotnet_process_memory_working_set_bytes"));
                // A scrape may be a third of a second old. Between two that differ it went on evenly.
                for (; times.Count < marks.Count && sent > lastSent && sent >= marks[times.Count];)
                    times.Add(lastTime + (now - lastTime) * Math.Max(0, (marks[times.Count] - lastSent) / (sent - lastSent)));
                if (sent != lastSent || sent == 0)
                    (lastTime, lastSent) = (now, sent);
                return sent;
            },
            sent => sent >= to,
            TimeSpan.FromSeconds(60 + to / 1000));

        var speeds = times.Zip(times.Skip(1), (begin, end) => (to - from) / (double)Fifths / (end - begin).TotalSeconds).ToList();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"events {from} to {to}, a second: {string.Join(' ', speeds.Select(speed => speed.ToString("F0", CultureInfo.InvariantCulture)))}; working set of orders up to {memory / (1024 * 1024):F0} MiB");
        return new DrainedPart(speeds.Max(), memory);
    }
}
