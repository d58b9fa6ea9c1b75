using System.Globalization;
using System.Text.RegularExpressions;

namespace GoReliable.Bench.Comparison;

internal sealed partial class Product
{
    /// <summary>Differences from a deployment, for the reader of the table.</summary>
    public const string Note =
        "Tokens are signed with a development key, rate limits are raised (all load comes from one address), "
        + "e-mails are files, telemetry goes to a collector that throws it away. Each connection is a customer.";

    // More than any machine answers.
    private const string NoLimit = "1000000";

    // .NET takes so much of a container's memory for its heap:
    // https://learn.microsoft.com/dotnet/core/runtime-config/garbage-collector#heap-limit
    private const double HeapShare = 0.75;
    private const int BytesPerMebibyte = 1024 * 1024;

    // As in deploy/k8s/base, except for addresses and the differences in the note. In Development, because only there a
    // signing key is accepted.
    private (string Name, string Value)[] Settings(string service) =>
        [
            .. Target.Environment(workspace, ports[service].Http),
            .. tokens.Settings,
            .. Telemetry(service),
            ("DOTNET_ENVIRONMENT", "Development"),
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("DOTNET_CONTENTROOT", Path.Combine(plan.Published, Folder(service))),
            ("Logging__Console__FormatterName", "json-line"),
            ("DOTNET_GCHeapHardLimit", HeapLimit(service)),
            ("DOTNET_GCgen0size", "400000"),
            ("MANAGEMENT_PORT", $"{ports[service].Management}"),
            ("ConnectionStrings__messaging", servers.BrokerUrl),
            .. databases.Select(database => ($"ConnectionStrings__{database.Key}-db", Database(database.Key))),
            ("services__orders__http__0", $"http://127.0.0.1:{ports["orders"].Http}"),
            ("services__notifications__http__0", $"http://127.0.0.1:{ports["notifications"].Http}"),
            ("Email__PickupFolder", Path.Combine(workspace.Folder, "pickup")),
            ("RateLimits__PerAddress__PermitsPerSecond", NoLimit),
            ("RateLimits__PerAddress__Burst", NoLimit),
            ("RateLimits__PerCustomer__PermitsPerSecond", NoLimit),
            ("RateLimits__PerCustomer__Burst", NoLimit),
            // As it is outside of Development.
            ("LoadShedding__PerCustomer", "64"),
        ];

    private IEnumerable<(string Name, string Value)> Telemetry(string service)
    {
        yield return ("OTEL_SERVICE_NAME", service);
        yield return (
            "OTEL_RESOURCE_ATTRIBUTES",
            $"service.namespace=goreliable,service.instance.id={service}-0,deployment.environment.name=bench"
        );
        yield return ("OTEL_METRICS_EXPORTER", "prometheus");
        yield return ("OTEL_TRACES_SAMPLER", plan.Without.Contains("traces") ? "always_off" : "parentbased_always_on");
        if (!plan.Without.Contains("export"))
        {
            yield return ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Endpoint);
            yield return ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        }
        if (plan.Without.Contains("logs"))
            yield return ("Logging__LogLevel__Default", "None");
        if (plan.Without.Contains("telemetry"))
            yield return ("OTEL_SDK_DISABLED", "true");
    }

    private static string Folder(string service) => char.ToUpperInvariant(service[0]) + service[1..];

    private string Database(string service) => $"{servers.PostgresConnection};Database={service}-db";

    // Of the last container in the manifest, which is the service's.
    private string HeapLimit(string service)
    {
        var manifest = File.ReadAllText(
            Path.Combine(plan.Repository, "deploy", "k8s", "base", service, "deployment.yaml")
        );
        var mebibytes = int.Parse(
            MemoryLimit.Matches(manifest).Last().Groups["mebibytes"].Value,
            CultureInfo.InvariantCulture
        );
        return ((long)(mebibytes * HeapShare * BytesPerMebibyte)).ToString("x", CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"limits:\s+memory: (?<mebibytes>\d+)Mi", RegexOptions.ExplicitCapture)]
    private static partial Regex MemoryLimit { get; }
}
