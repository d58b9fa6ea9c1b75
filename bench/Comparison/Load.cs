using System.Diagnostics;
using System.Runtime.InteropServices;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// What came of a load: latencies in microseconds, the shortest first, and unexpected responses by status, 0 for none.
/// </summary>
internal sealed record LoadResult(double PerSecond, int[] Latencies, IReadOnlyDictionary<int, int> Bad);

/// <summary>Concurrent requests of many customers, one thread per customer.</summary>
internal static partial class Load
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <param name="customers">Who send requests.</param>
    /// <param name="length">How long new requests are sent.</param>
    /// <param name="perSecond">
    /// How many are due each second, by all customers together (open loop); null where each sends the next as soon as
    /// the last is answered (closed loop). Latency counts from the moment a request is due, also if everybody is busy
    /// then.
    /// </param>
    /// <param name="request">Makes one, given when it was due; returns the answer's status.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task<LoadResult> RunAsync(
        IReadOnlyList<Customer> customers,
        TimeSpan length,
        int? perSecond,
        Func<Customer, DateTime, int> request,
        CancellationToken cancellationToken
    )
    {
        var next = -1L;
        var (start, startTime) = (Stopwatch.GetTimestamp(), DateTime.UtcNow);
        var end = start + (long)(length.TotalSeconds * Stopwatch.Frequency);

        (List<int> Latencies, Dictionary<int, int> Bad) Work(Customer customer)
        {
            var latencies = new List<int>(1 << 16);
            var bad = new Dictionary<int, int>();
            while (!cancellationToken.IsCancellationRequested)
            {
                var due = perSecond is { } rate
                    ? start + (Interlocked.Increment(ref next) * Stopwatch.Frequency / rate)
                    : Stopwatch.GetTimestamp();
                if (due >= end)
                    break;
                SleepUntil(due);
                var status = request(customer, startTime + Stopwatch.GetElapsedTime(start, due));
                latencies.Add((int)Stopwatch.GetElapsedTime(due).TotalMicroseconds);
                if (!Customer.IsGood(status))
                    bad[status] = bad.GetValueOrDefault(status) + 1;
            }
            return (latencies, bad);
        }

        var workers = customers.Select(customer =>
            Task.Factory.StartNew(
                () => Work(customer),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            )
        );
        var results = await Task.WhenAll(workers);
        var took = Stopwatch.GetElapsedTime(start).TotalSeconds;
        cancellationToken.ThrowIfCancellationRequested();

        int[] all = [.. results.SelectMany(result => result.Latencies)];
        Array.Sort(all);
        var refused = results
            .SelectMany(result => result.Bad)
            .GroupBy(bad => bad.Key, bad => bad.Value)
            .ToDictionary(bad => bad.Key, bad => bad.Sum());
        return new LoadResult(all.Length / took, all, refused);
    }

    // .NET's own sleep knows whole milliseconds only.
    private static void SleepUntil(long due)
    {
        var wait = (long)((due - Stopwatch.GetTimestamp()) * ((double)NanosecondsPerSecond / Stopwatch.Frequency));
        if (wait > 0)
            NanoSleep(new TimeSpec((nint)(wait / NanosecondsPerSecond), (nint)(wait % NanosecondsPerSecond)), 0);
    }

    // A signal ends the sleep early, so a request is sent slightly before it is due: rare and harmless.
    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static partial int NanoSleep(in TimeSpec time, nint remaining);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct TimeSpec(nint Seconds, nint Nanoseconds);
}
