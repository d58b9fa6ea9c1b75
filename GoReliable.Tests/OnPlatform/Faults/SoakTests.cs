using System.Diagnostics;
using System.Globalization;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// Faults at random for as long as one likes: <c>./test --soak MINUTES [--seed N]</c>. The same seed breaks the same
/// things.
/// </summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class SoakTests(FaultyPlatform platform)
{
    [Fact(Explicit = true)]
    public async Task Random_faults_lose_nothing()
    {
        var limit = TimeSpan.FromMinutes(Setting("GORELIABLE_SOAK_MINUTES") ?? 5);
        var seed = Setting("GORELIABLE_SOAK_SEED") ?? Random.Shared.Next();
        var random = new Random(seed);
        var started = Stopwatch.GetTimestamp();
        Log(started, $"seed {seed}, {limit.TotalMinutes:0} minutes");
        if (SkewedClock.IsAvailable)
            await platform.MakeClockMovableAsync(true);
        var faults = Fault.All(platform);

        var (rounds, answered, stored, notified, republished, longest) = (0, 0, 0, 0, 0, TimeSpan.Zero);
        while (Stopwatch.GetElapsedTime(started) < limit)
        {
            var fault = Choose(faults, random);
            Log(started, $"round {++rounds}: {fault.Name}, for {fault.Hold} orders");
            var (ledger, window) = await platform.SurviveAsync(fault, $"soak-{rounds}");

            var count = ledger.Count;
            (answered, stored, notified, republished) = (
                answered + count.Answered,
                stored + count.Stored,
                notified + count.Notified,
                republished + ledger.Republished
            );
            longest = window.Outage > longest ? window.Outage : longest;
        }
        Log(
            started,
            $"""
            end: seed {seed}, {rounds} rounds; answered 201: {answered}, stored: {stored}, notified: {notified}, lost: 0, twice: 0, published again: {republished}; longest outage {longest.TotalSeconds:0.0} s
            """
        );
    }

    // One of three rounds breaks two things.
    private static Fault Choose(IReadOnlyList<Fault> faults, Random random)
    {
        var (one, other) = (random.Next(faults.Count), random.Next(faults.Count));
        var hold = random.Next(200, 1600);
        var fault =
            random.Next(3) != 0 || one == other || faults[one].IsAlone || faults[other].IsAlone
                ? faults[one]
                : faults[Math.Min(one, other)].And(faults[Math.Max(one, other)]);
        return fault with { Hold = hold };
    }

    private static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
            ? int.Parse(value, CultureInfo.InvariantCulture)
            : null;

    private static void Log(long started, FormattableString text) =>
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Stopwatch.GetElapsedTime(started):hh\\:mm\\:ss} {text.ToString(CultureInfo.InvariantCulture)}"
        );
}
