using Google.Protobuf;

namespace OtlpReceiver.Protocol;

/// <summary>
/// What both transports do with a payload: read all of it, then keep it, so that a bad one leaves nothing behind.
/// </summary>
internal sealed class Intake(TelemetryStore store, TextWriter? output)
{
    private readonly TextWriter? _output = output is null ? null : TextWriter.Synchronized(output);

    /// <summary>The size of an uncompressed payload above which it is refused, in bytes.</summary>
    public const int MaxPayloadBytes = 16 * 1024 * 1024;

    /// <exception cref="RefusedPayloadException">It is not an export of traces.</exception>
    public void Traces(byte[] payload)
    {
        var spans = Read(payload, TracesRequest.Parser, SpanReader.Read);
        store.Add(spans);
        foreach (var span in spans)
        {
            _output?.WriteLine($"{span.End:HH:mm:ss.fff} {span} trace {span.TraceId}");
        }
    }

    /// <exception cref="RefusedPayloadException">It is not an export of logs.</exception>
    public void Logs(byte[] payload)
    {
        var logs = Read(payload, LogsRequest.Parser, LogReader.Read);
        store.Add(logs);
        foreach (var log in logs)
        {
            _output?.WriteLine($"{log} trace {log.TraceId ?? "none"}");
        }
    }

    /// <exception cref="RefusedPayloadException">It is not an export of metrics.</exception>
    public void Metrics(byte[] payload) => store.Add(Read(payload, MetricsRequest.Parser, MetricReader.Read));

    private static List<TItem> Read<TRequest, TItem>(
        byte[] payload, MessageParser<TRequest> parser, Func<TRequest, IEnumerable<TItem>> read)
        where TRequest : IMessage<TRequest>
    {
        try
        {
            return [.. read(parser.ParseFrom(payload))];
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RefusedPayloadException($"Not a valid {typeof(TRequest).Name}: {e.Message}", e);
        }
    }
}
