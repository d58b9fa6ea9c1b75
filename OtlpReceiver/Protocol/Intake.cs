using Google.Protobuf;

namespace OtlpReceiver.Protocol;

/// <summary>
/// What both transports do with a payload: read all of it, then keep it, so that a bad one leaves nothing behind.
/// </summary>
internal sealed class Intake(TelemetryStore store)
{
    /// <summary>The size of an uncompressed payload above which it is refused, in bytes.</summary>
    public const int MaxPayloadBytes = 16 * 1024 * 1024;

    /// <exception cref="RefusedPayloadException">It is not an export of traces.</exception>
    public void Traces(byte[] payload) => store.Add(Read(payload, TracesRequest.Parser, SpanReader.Read));

    /// <exception cref="RefusedPayloadException">It is not an export of logs.</exception>
    public void Logs(byte[] payload) => store.Add(Read(payload, LogsRequest.Parser, LogReader.Read));

    /// <exception cref="RefusedPayloadException">It is not an export of metrics.</exception>
    public void Metrics(byte[] payload) => store.Add(Read(payload, MetricsRequest.Parser, MetricReader.Read));

    private static List<TItem> Read<TRequest, TItem>(
        byte[] payload,
        MessageParser<TRequest> parser,
        Func<TRequest, IEnumerable<TItem>> read
    )
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
