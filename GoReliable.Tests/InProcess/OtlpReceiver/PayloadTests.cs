using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Net.Client;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed class PayloadTests : IAsyncLifetime
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    private static readonly byte[] Garbage = [0xff, 0xff, 0xff, 0xff, 0x01];

    private readonly HttpClient _http = new();
    private OtlpEndpoint _otlp = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _otlp = await OtlpEndpoint.StartAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _otlp.DisposeAsync();
    }

    [Fact]
    public async Task A_gzip_body_is_taken()
    {
        var traceId = Wire.TraceId();

        using var answer = await PostAsync("v1/traces", Gzip(Wire.Span(traceId, Wire.SpanId())), encoding: "gzip");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/x-protobuf", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("by hand", Assert.Single(_otlp.Trace(Convert.ToHexStringLower(traceId)).Spans).Name);
    }

    [Fact]
    public async Task A_gzip_message_is_taken()
    {
        var traceId = Wire.TraceId();
        // How Grpc.Net.Client is told to compress a request.
        var gzip = new Metadata { { "grpc-internal-encoding-request", "gzip" } };

        await CallAsync("trace.v1.TraceService", Wire.Span(traceId, Wire.SpanId()), gzip);

        Assert.Single(_otlp.Trace(Convert.ToHexStringLower(traceId)).Spans);
    }

    [Theory]
    [InlineData("v1/traces")]
    [InlineData("v1/logs")]
    [InlineData("v1/metrics")]
    public async Task Over_HTTP_garbage_is_a_bad_request_with_the_reason(string path)
    {
        using var answer = await PostAsync(path, Garbage);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/x-protobuf", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains("Not a valid ", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_gzip_is_a_bad_request()
    {
        using var answer = await PostAsync("v1/traces", Garbage, encoding: "gzip");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData(
        "application/json",
        null,
        "Content-Type must be application/x-protobuf, not 'application/json'. OTLP as JSON is not taken here"
    )]
    [InlineData(null, null, "Content-Type must be application/x-protobuf, not ''")]
    [InlineData("application/x-protobuf", "br", "Content-Encoding must be gzip or absent, not 'br'")]
    public async Task Another_type_or_encoding_is_unsupported_and_the_text_says_what_is(
        string? type,
        string? encoding,
        string text
    )
    {
        using var answer = await PostAsync("v1/traces", Wire.Span(Wire.TraceId(), Wire.SpanId()), type, encoding);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.StartsWith(text, await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_unpacks_to_too_much_is_too_large()
    {
        using var answer = await PostAsync("v1/logs", Gzip(new byte[16 * 1024 * 1024 + 1]), encoding: "gzip");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Theory]
    [InlineData(15, 8, "A trace id has 16 bytes; this one has 15.")]
    [InlineData(16, 7, "A span id has 8 bytes; this one has 7.")]
    [InlineData(0, 8, "A trace id has 16 bytes; this one has 0.")]
    public async Task Ids_of_the_wrong_length_are_refused_on_both_transports(
        int traceIdBytes,
        int spanIdBytes,
        string reason
    )
    {
        var payload = Wire.Span(
            Wire.TraceId().Concat(new byte[1]).Take(traceIdBytes).ToArray(),
            Wire.SpanId()[..spanIdBytes]
        );

        using var answer = await PostAsync("v1/traces", payload);
        var error = await Assert.ThrowsAsync<RpcException>(() => CallAsync("trace.v1.TraceService", payload));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.EndsWith(reason, await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal((StatusCode.InvalidArgument, reason), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task An_id_of_zeros_is_refused()
    {
        using var answer = await PostAsync("v1/logs", Wire.Log(new byte[16], "lost"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task One_bad_span_refuses_the_whole_payload()
    {
        byte[] payload = [.. Wire.Span(Wire.TraceId(), Wire.SpanId()), .. Wire.Span(Wire.TraceId(), [])];

        using var answer = await PostAsync("v1/traces", payload);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(_otlp.Spans());
    }

    [Theory]
    [InlineData("trace.v1.TraceService")]
    [InlineData("logs.v1.LogsService")]
    [InlineData("metrics.v1.MetricsService")]
    public async Task Over_gRPC_garbage_is_an_invalid_argument(string service)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => CallAsync(service, Garbage));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.StartsWith("Not a valid ", error.Status.Detail, StringComparison.Ordinal);
    }

    private async Task<byte[]> CallAsync(string service, byte[] payload, Metadata? headers = null)
    {
        using var channel = GrpcChannel.ForAddress(_otlp.GrpcEndpoint);
        var export = new Method<byte[], byte[]>(
            MethodType.Unary,
            $"opentelemetry.proto.collector.{service}",
            "Export",
            Bytes,
            Bytes
        );
        return await channel
            .CreateCallInvoker()
            .AsyncUnaryCall(export, host: null, new CallOptions(headers, cancellationToken: Cancel), payload);
    }

    private async Task<HttpResponseMessage> PostAsync(
        string path,
        byte[] body,
        string? type = "application/x-protobuf",
        string? encoding = null
    )
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        return await _http.PostAsync(new Uri(_otlp.HttpEndpoint, path), content, Cancel);
    }

    private static byte[] Gzip(byte[] body)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return packed.ToArray();
    }
}
