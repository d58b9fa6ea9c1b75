using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace OtlpReceiver.Protocol;

/// <summary>OTLP over gRPC: three services with one method each.</summary>
internal sealed class GrpcCollector(Intake intake)
{
    private static readonly byte[] Accepted = []; // An empty message: nothing was rejected.

    public Task<byte[]> Traces(byte[] payload) => Take(intake.Traces, payload);

    public Task<byte[]> Logs(byte[] payload) => Take(intake.Logs, payload);

    public Task<byte[]> Metrics(byte[] payload) => Take(intake.Metrics, payload);

    private static Task<byte[]> Take(Action<byte[]> keep, byte[] payload)
    {
        try
        {
            keep(payload);
            return Task.FromResult(Accepted);
        }
        catch (RefusedPayloadException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
    }
}

/// <summary>
/// Binds the methods to payloads that are still bytes. The code that Grpc.Tools generates parses before the service is
/// called, and what cannot be parsed is then answered as UNKNOWN without a reason, not as INVALID_ARGUMENT.
/// </summary>
internal sealed class GrpcCollectorMethods : IServiceMethodProvider<GrpcCollector>
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<GrpcCollector> context)
    {
        AddExport(context, "trace.v1.TraceService", (collector, payload) => collector.Traces(payload));
        AddExport(context, "logs.v1.LogsService", (collector, payload) => collector.Logs(payload));
        AddExport(context, "metrics.v1.MetricsService", (collector, payload) => collector.Metrics(payload));
    }

    private static void AddExport(
        ServiceMethodProviderContext<GrpcCollector> context,
        string service,
        Func<GrpcCollector, byte[], Task<byte[]>> export
    )
    {
        var method = new Method<byte[], byte[]>(
            MethodType.Unary,
            $"opentelemetry.proto.collector.{service}",
            "Export",
            Bytes,
            Bytes
        );
        context.AddUnaryMethod(method, metadata: [], (collector, payload, _) => export(collector, payload));
    }
}
