using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace OtlpReceiver.Protocol;

/// <summary>
/// OTLP over gRPC: three services with one method each. Bound by hand, so that both transports hand over bytes.
/// </summary>
internal sealed class GrpcCollector : IServiceMethodProvider<Intake>
{
    private static readonly byte[] Accepted = []; // An empty message: nothing was rejected.
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<Intake> context)
    {
        AddExport(context, "trace.v1.TraceService", (intake, payload) => intake.Traces(payload));
        AddExport(context, "logs.v1.LogsService", (intake, payload) => intake.Logs(payload));
        AddExport(context, "metrics.v1.MetricsService", (intake, payload) => intake.Metrics(payload));
    }

    private static void AddExport(
        ServiceMethodProviderContext<Intake> context,
        string service,
        Action<Intake, byte[]> keep
    )
    {
        var name = $"opentelemetry.proto.collector.{service}";
        context.AddUnaryMethod(
            new Method<byte[], byte[]>(MethodType.Unary, name, "Export", Bytes, Bytes),
            metadata: [],
            (intake, payload, _) =>
            {
                keep(intake, payload);
                return Task.FromResult(Accepted);
            }
        );
    }
}
