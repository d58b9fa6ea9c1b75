using System.Data.Common;
using System.Diagnostics;
using GoReliable.ServiceDefaults.Chaos;
using Microsoft.Extensions.Configuration;

namespace GoReliable.Tests.Chaos;

public sealed class ChaosSwitchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Off_costs_no_memory()
    {
        var off = new ChaosSwitches().Database;
        await off.StrikeAsync(Cancel);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            await off.StrikeAsync(Cancel);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task On_fails_in_the_share_that_is_set_and_off_again_never()
    {
        var place = new ChaosSwitches().Http;

        Assert.Equal(0, await FailuresAsync(place, 100));
        place.Turn(new ChaosSetting { FaultRate = 0.5 });
        Assert.InRange(await FailuresAsync(place, 1000), 350, 650);
        place.Turn(new ChaosSetting { FaultRate = 1 });
        Assert.Equal(100, await FailuresAsync(place, 100));
        place.Turn(new ChaosSetting());
        Assert.Equal(0, await FailuresAsync(place, 100));
    }

    [Fact]
    public async Task A_delay_lasts_as_set_and_ends_with_its_caller()
    {
        var place = new ChaosSwitches().Channel;
        place.Turn(new ChaosSetting { Latency = TimeSpan.FromMilliseconds(200) });
        var started = Stopwatch.GetTimestamp();
        await place.StrikeAsync(Cancel);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(190), TimeSpan.FromSeconds(30));

        place.Turn(new ChaosSetting { Latency = TimeSpan.FromMinutes(1) });
        using var gone = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => place.StrikeAsync(gone.Token).AsTask());
    }

    [Fact]
    public async Task A_struck_span_says_so()
    {
        var place = new ChaosSwitches().Database;
        place.Turn(new ChaosSetting { FaultRate = 1 });
        using var activity = new Activity("work").Start();

        var fault = await Assert.ThrowsAnyAsync<DbException>(() => place.StrikeAsync(Cancel).AsTask());

        Assert.True(fault.IsTransient);
        Assert.Equal(true, activity.GetTagItem("goreliable.chaos"));
    }

    [Theory]
    [InlineData("Channel:FaultRate", "1.5", "Chaos:Channel:FaultRate is 1.5, but must be from 0 to 1.")]
    [InlineData("Database:FaultRate", "NaN", "Chaos:Database:FaultRate is NaN")]
    [InlineData("Http:LatencyRate", "-0.1", "Chaos:Http:LatencyRate is -0.1")]
    [InlineData("Http:Latency", "00:01:01", "Chaos:Http:Latency is 00:01:01, but must be from 00:00:00 to 00:01:00 ")]
    [InlineData("Http:Latency", "soon", "'soon' at 'Chaos:Http:Latency'")]
    [InlineData("Chanel:FaultRate", "1", "'Chanel'")]
    public void A_mistake_is_named(string setting, string value, string complaint)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Chaos:{setting}", value)]).Build();

        var mistake = Assert.Throws<InvalidOperationException>(() => ChaosOptions.Read(configuration, allowed: true));

        Assert.Contains(complaint, mistake.Message, StringComparison.Ordinal);
    }

    private static async Task<int> FailuresAsync(ChaosSwitch place, int calls)
    {
        var failures = 0;
        for (var i = 0; i < calls; i++)
        {
            try
            {
                await place.StrikeAsync(Cancel);
            }
            catch (HttpRequestException)
            {
                failures++;
            }
        }
        return failures;
    }
}
