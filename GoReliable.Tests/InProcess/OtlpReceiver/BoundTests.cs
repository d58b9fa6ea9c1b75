using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed partial class BoundTests
{
    private static readonly OtlpEndpointOptions Small = new()
    {
        Capacity = 3,
        WaitTimeout = TimeSpan.FromMilliseconds(200),
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_oldest_spans_and_logs_are_dropped_and_counted()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Small, Cancel);
        using var sender = new SdkSender(otlp);
        for (var i = 1; i <= 5; i++)
        {
            sender.Source.StartActivity($"span {i}")!.Stop();
            Numbered(sender.Logger, i);
        }

        sender.Flush();

        Assert.Equal(["span 3", "span 4", "span 5"], otlp.Spans().Select(s => s.Name));
        Assert.Equal(["Log 3", "Log 4", "Log 5"], otlp.Logs().Select(l => l.Body));
        Assert.Equal(new DroppedCounts(Spans: 2, Logs: 2, Series: 0), otlp.Dropped);
        var error = await Assert.ThrowsAsync<TimeoutException>(() =>
            otlp.WaitForSpanAsync(s => s.Name == "span 1", Cancel)
        );
        Assert.EndsWith("2 older ones had to be dropped: raise Capacity?", error.Message);
    }

    [Fact]
    public async Task The_series_that_was_updated_longest_ago_is_dropped()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Small, Cancel);
        using var sender = new SdkSender(otlp);
        using var later = new SdkSender(otlp, service: "later");
        sender.Meter.CreateCounter<int>("first").Add(1);
        sender.Meter.CreateCounter<int>("second").Add(1);
        later.Meter.CreateCounter<int>("third").Add(1);
        later.Meter.CreateCounter<int>("fourth").Add(1);
        sender.Flush();
        later.Flush();

        Assert.Equal(["second", "third", "fourth"], otlp.Metrics().Select(p => p.Name));
        Assert.Equal(1, otlp.Dropped.Series);

        later.Flush();
        Assert.Equal(1, otlp.Dropped.Series);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Log {Number}")]
    private static partial void Numbered(ILogger logger, int number);
}
