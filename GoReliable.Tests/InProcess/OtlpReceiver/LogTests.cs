using Microsoft.Extensions.Logging;
using OpenTelemetry.Exporter;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed partial class LogTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_log_record_of_the_SDK_arrives_with_its_trace(OtlpExportProtocol protocol)
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp, protocol);
        var span = sender.Source.StartActivity("create order")!;
        OrderRefused(sender.Logger, 7, new InvalidOperationException("no stock"));
        span.Stop();
        sender.Flush();

        var log = await otlp.WaitForLogAsync(l => l.EventName == "order.refused", Cancel);

        Assert.Equal(LogLevel.Warning, log.Level);
        Assert.Equal("Order refused: 7 items", log.Body);
        Assert.Equal((span.TraceId.ToString(), span.SpanId.ToString()), (log.TraceId, log.SpanId));
        Assert.Equal("shop", log.Service);
        Assert.Equal("Shop.Orders", log.Scope);
        Assert.Equal(7L, log["Items"]);
        Assert.Equal("no stock", log["exception.message"]);
        Assert.InRange(log.Time, span.StartTimeUtc, span.StartTimeUtc + span.Duration);
        Assert.Equal([log], otlp.Logs(span.TraceId.ToString()));
    }

    [LoggerMessage(EventName = "order.refused", Level = LogLevel.Warning, Message = "Order refused: {Items} items")]
    private static partial void OrderRefused(ILogger logger, int items, Exception? exception);
}
