using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// The Collector checks its configuration when it starts, which is too late; here, what can be known without it.
/// </summary>
public sealed partial class CollectorTests
{
    private static readonly string[] Kinds = ["receivers", "processors", "exporters", "connectors", "extensions"];

    private static readonly Node Kubernetes = Node.Load("deploy/otel-collector/config.yaml");

    // Like the Collector's own merge: maps by key, lists as a whole.
    private static readonly Node Local = Kubernetes.MergedWith(Node.Load("deploy/otel-collector/local.yaml"));

    public static TheoryData<string> Configurations => ["kubernetes", "local"];

    [Theory, MemberData(nameof(Configurations))]
    public void Every_component_that_is_used_is_defined(string name) =>
        Assert.Empty(Used(Configuration(name)).Except(Defined(Configuration(name))));

    [Fact]
    public void Every_component_that_is_defined_is_used() => Assert.Empty(Defined(Kubernetes).Except(Used(Kubernetes)));

    [Theory, MemberData(nameof(Configurations))]
    public void A_connector_ends_one_pipeline_and_begins_another(string name)
    {
        var pipelines = Pipelines(Configuration(name));
        Assert.All(Configuration(name)["connectors"]!.Keys, connector =>
        {
            Assert.Contains(pipelines, pipeline => pipeline.Exporters.Contains(connector));
            Assert.Contains(pipelines, pipeline => pipeline.Receivers.Contains(connector));
        });
    }

    [Theory, MemberData(nameof(Configurations))]
    public void Processors_are_in_the_right_order(string name) => Assert.All(Pipelines(Configuration(name)), pipeline =>
        {
            if (pipeline.Receivers.Contains("otlp"))
                Assert.Equal("memory_limiter", pipeline.Processors[0]);

            // Where a batch of several senders begins, the connection no longer says which pod it was; a sampler needs
            // whole traces.
            string[] order =
            [
                "memory_limiter",
                "filter/scraped",
                "k8s_attributes",
                "transform/redact",
                "tail_sampling",
                "batch",
            ];
            Assert.Equal(
                pipeline.Processors.OrderBy(processor => Array.IndexOf(order, processor)),
                pipeline.Processors
            );
            Assert.All(pipeline.Processors, processor => Assert.Contains(processor, order));
        });

    [Theory, MemberData(nameof(Configurations))]
    public void Nothing_is_exported_without_redaction(string name)
    {
        var pipelines = Pipelines(Configuration(name));
        Assert.All(
            pipelines.Where(pipeline =>
                pipeline.Receivers.Contains("otlp") && !pipeline.Name.StartsWith("metrics", StringComparison.Ordinal)
            ),
            pipeline => Assert.Contains("transform/redact", pipeline.Processors)
        );

        var statements = Kubernetes["processors", "transform/redact"].Texts().ToArray();
        Assert.Contains(statements, statement => statement.Contains("url.query"));
        Assert.Contains(statements, statement => statement.Contains("authorization"));
    }

    [Fact]
    public void Errors_and_slow_traces_are_all_kept_and_a_tenth_of_the_rest()
    {
        var sampling = Kubernetes["processors", "tail_sampling"];
        var policies = sampling["policies"]!.Items.ToDictionary(policy => policy["type"]!.Text!);
        Assert.Equal(["ERROR"], policies["status_code"]["status_code", "status_codes"].Items.Select(code => code.Text));
        Assert.Equal("500", policies["latency"]["latency", "threshold_ms"].Text);
        Assert.Equal("10", policies["probabilistic"]["probabilistic", "sampling_percentage"].Text);

        // What is counted must not be sampled before.
        var spanMetrics = Assert.Single(Pipelines(Kubernetes), pipeline => pipeline.Exporters.Contains("span_metrics"));
        Assert.DoesNotContain("tail_sampling", spanMetrics.Processors);
    }

    [Fact]
    public void Telemetry_that_cannot_be_sent_waits_on_disk_and_is_sent_again() =>
        Assert.All(Kubernetes["exporters"]!.Keys, name =>
        {
            var exporter = Kubernetes["exporters", name];
            Assert.Equal("true", exporter["retry_on_failure", "enabled"].Text);
            // Remote write can wait in memory or in its log, which keeps the last samples back:
            // https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/49130
            if (name == "prometheus_remote_write")
                Assert.Null(exporter["wal"]);
            else
                Assert.Equal("file_storage", exporter["sending_queue", "storage"].Text);
        });

    [Theory, MemberData(nameof(Configurations))]
    public void The_name_of_the_Collectors_own_host_is_not_exported(string name) =>
        Assert.DoesNotContain(Configuration(name)["processors"]!.Keys, processor =>
            processor.StartsWith("resource", StringComparison.Ordinal)
        );

    [Fact]
    public void Metrics_of_our_services_are_not_written_twice() =>
        Assert.All(
            Pipelines(Kubernetes)
                .Where(pipeline =>
                    pipeline.Exporters.Contains("prometheus_remote_write") && pipeline.Receivers.Contains("otlp")
                ),
            pipeline => Assert.Contains("filter/scraped", pipeline.Processors)
        );

    [Fact]
    public void On_a_developers_machine_the_Aspire_dashboard_receives_every_signal_unsampled()
    {
        Assert.DoesNotContain("k8s_attributes", Used(Local));
        Assert.Equal(
            ["logs", "metrics", "traces"],
            Pipelines(Local)
                .Where(pipeline =>
                    pipeline.Receivers.Contains("otlp")
                    && pipeline.Exporters.Contains("otlp_grpc/aspire")
                    && !pipeline.Processors.Contains("tail_sampling")
                    && !pipeline.Processors.Contains("filter/scraped")
                )
                .Select(pipeline => pipeline.Name.Split('/')[0])
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_Collectors_metrics_and_health_answer_on_the_pods_ports()
    {
        var pod = DeployFiles.Read("deploy/k8s/observability/otel-collector.yaml");
        var ports = ContainerPort.Matches(pod).Select(match => match.Groups[1].Value).ToHashSet();
        var reader = Assert.Single(Kubernetes["service", "telemetry", "metrics", "readers"].Items)[
            "pull",
            "exporter",
            "prometheus"
        ];

        var configured = new[]
        {
            reader["port"]!.Text!,
            Port(Kubernetes["extensions", "health_check", "endpoint"].Text!),
            Port(Kubernetes["receivers", "otlp", "protocols", "grpc", "endpoint"].Text!),
            Port(Kubernetes["receivers", "otlp", "protocols", "http", "endpoint"].Text!),
        };
        Assert.Equal(configured.Order(StringComparer.Ordinal), ports.Order(StringComparer.Ordinal));
    }

    private static Node Configuration(string name) => name == "local" ? Local : Kubernetes;

    private static string Port(string endpoint) => endpoint[(endpoint.LastIndexOf(':') + 1)..];

    private static IEnumerable<string> Defined(Node configuration) =>
        Kinds.SelectMany(kind => configuration[kind]?.Keys ?? []);

    private static HashSet<string> Used(Node configuration) =>
        [
            .. Pipelines(configuration)
                .SelectMany(pipeline => pipeline.Receivers.Concat(pipeline.Processors).Concat(pipeline.Exporters)),
            .. configuration["service", "extensions"].Items.Select(extension => extension.Text!),
        ];

    private static IReadOnlyList<Pipeline> Pipelines(Node configuration)
    {
        var pipelines = configuration["service", "pipelines"];
        return
        [
            .. pipelines.Keys.Select(name => new Pipeline(
                name,
                Names(name, "receivers"),
                Names(name, "processors"),
                Names(name, "exporters")
            )),
        ];

        string[] Names(string pipeline, string kind) => [.. pipelines[pipeline, kind].Items.Select(item => item.Text!)];
    }

    private sealed record Pipeline(string Name, string[] Receivers, string[] Processors, string[] Exporters);

    [GeneratedRegex(@"containerPort: (\d+)")]
    private static partial Regex ContainerPort { get; }
}
