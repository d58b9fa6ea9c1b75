namespace OtlpReceiver.Protocol;

/// <summary>What both transports do with a payload.</summary>
internal sealed class Intake(TelemetryStore store)
{
    /// <summary>The size above which a payload is refused over gRPC, in bytes.</summary>
    public const int MaxPayloadBytes = 16 * 1024 * 1024;

    public void Traces(byte[] payload) => store.Add([.. SpanReader.Read(TracesRequest.Parser.ParseFrom(payload))]);

    public void Logs(byte[] payload) => store.Add([.. LogReader.Read(LogsRequest.Parser.ParseFrom(payload))]);

    public void Metrics(byte[] payload) => store.Add([.. MetricReader.Read(MetricsRequest.Parser.ParseFrom(payload))]);
}
