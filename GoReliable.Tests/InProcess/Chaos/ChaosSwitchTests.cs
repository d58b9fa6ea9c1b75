using System.Diagnostics;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Configuration;

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

    [Theory]
    [InlineData("Channel:FaultRate", "1.5", "Chaos:Channel:FaultRate is 1.5, but must be from 0 to 1.")]
    [InlineData("Database:FaultRate", "NaN", "Chaos:Database:FaultRate is NaN")]
    [InlineData("Http:LatencyRate", "-0.1", "Chaos:Http:LatencyRate is -0.1")]
    [InlineData("Http:Latency", "00:01:01", "Chaos:Http:Latency is 00:01:01, but must be from 00:00:00 to 00:01:00 ")]
    public void A_wrong_setting_is_named(string setting, string value, string complaint) =>
        Assert.StartsWith(complaint, Mistake<InvalidSettingException>(setting, value), StringComparison.Ordinal);

    [Theory]
    [InlineData("Http:Latency", "soon", "'soon' at 'Chaos:Http:Latency'")]
    [InlineData("Chanel:FaultRate", "1", "'Chanel'")]
    public void One_that_cannot_be_read_is_named_too(string setting, string value, string complaint) =>
        Assert.Contains(complaint, Mistake<InvalidOperationException>(setting, value), StringComparison.Ordinal);

    private static string Mistake<TException>(string setting, string value)
        where TException : Exception
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Chaos:{setting}", value)]).Build();
        return Assert.Throws<TException>(() => ChaosOptions.Read(configuration, allowed: true)).Message;
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
