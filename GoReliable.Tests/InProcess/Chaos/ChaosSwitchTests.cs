using System.Diagnostics;
using GoReliable.ServiceDefaults.Chaos;

namespace GoReliable.Tests.InProcess.Chaos;

public sealed class ChaosSwitchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_switch_that_is_off_allocates_nothing()
    {
        var off = new ChaosSwitches().Database;
        await off.InjectAsync(Cancel);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            await off.InjectAsync(Cancel);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task A_switch_fails_the_share_of_calls_that_is_set_and_none_when_off()
    {
        var place = new ChaosSwitches().Http;

        Assert.Equal(0, await FailuresAsync(place, 100));
        place.Configure(new ChaosSetting { FaultRate = 0.5 });
        Assert.InRange(await FailuresAsync(place, 1000), 350, 650);
        place.Configure(new ChaosSetting { FaultRate = 1 });
        Assert.Equal(100, await FailuresAsync(place, 100));
        place.Configure(new ChaosSetting());
        Assert.Equal(0, await FailuresAsync(place, 100));
    }

    [Fact]
    public async Task A_delay_lasts_as_long_as_set_and_ends_when_its_caller_cancels()
    {
        var place = new ChaosSwitches().Channel;
        place.Configure(new ChaosSetting { Latency = TimeSpan.FromMilliseconds(200) });
        var started = Stopwatch.GetTimestamp();
        await place.InjectAsync(Cancel);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(190), TimeSpan.FromSeconds(30));

        place.Configure(new ChaosSetting { Latency = TimeSpan.FromMinutes(1) });
        using var gone = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => place.InjectAsync(gone.Token).AsTask());
    }

    private static async Task<int> FailuresAsync(ChaosSwitch place, int calls)
    {
        var failures = 0;
        for (var i = 0; i < calls; i++)
        {
            try
            {
                await place.InjectAsync(Cancel);
            }
            catch (HttpRequestException)
            {
                failures++;
            }
        }
        return failures;
    }
}
