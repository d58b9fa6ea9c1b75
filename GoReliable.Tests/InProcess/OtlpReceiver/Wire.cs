using System.Security.Cryptography;
using System.Text;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

/// <summary>
/// OTLP written byte by byte, for what no SDK would send. Field numbers are those of the public protocol.
/// </summary>
internal static class Wire
{
    /// <summary>An export with one span.</summary>
    public static byte[] Span(byte[] traceId, byte[] spanId, string name = "by hand") =>
        Export(Field(1, traceId), Field(2, spanId), Field(5, Encoding.UTF8.GetBytes(name)));

    /// <summary>An export with one log record.</summary>
    public static byte[] Log(byte[] traceId, string body) =>
        Export(Field(5, Field(1, Encoding.UTF8.GetBytes(body))), Field(9, traceId));

    public static byte[] TraceId() => RandomNumberGenerator.GetBytes(16);

    public static byte[] SpanId() => RandomNumberGenerator.GetBytes(8);

    /// <summary>Traces and logs nest alike: the sender's list (1) of the source's list (2) of items (2).</summary>
    private static byte[] Export(params byte[][] item) =>
        Field(1, Field(2, Field(2, [.. item.SelectMany(field => field)])));

    private static byte[] Field(int number, byte[] content)
    {
        const int LengthDelimited = 2;
        return [(byte)((number << 3) | LengthDelimited), .. Varint(content.Length), .. content];
    }

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value > 0x7f; value >>= 7)
        {
            yield return (byte)(value | 0x80);
        }

        yield return (byte)value;
    }
}
