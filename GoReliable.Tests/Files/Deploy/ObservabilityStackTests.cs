namespace GoReliable.Tests.Files.Deploy;

/// <summary>Grafana, Prometheus, Tempo and Loki must mean the same ports, ids and labels.</summary>
public sealed class ObservabilityStackTests
{
    private static readonly Dictionary<string, Node> DataSources = Node.Load(
        "deploy/grafana/provisioning/datasources/goreliable.yaml"
    )["datasources"]!.Items.ToDictionary(source => source["uid"]!.Text!);

    private static readonly Node Cluster = Node.Load("deploy/argocd/apps/kube-prometheus-stack.yaml")[
        "spec",
        "source",
        "helm",
        "valuesObject"
    ];

    [Fact]
    public void An_exemplar_leads_to_its_trace()
    {
        var destination = Assert.Single(DataSources["prometheus"]["jsonData", "exemplarTraceIdDestinations"].Items);
        Assert.Equal("trace_id", destination["name"]!.Text);
        Assert.Equal("tempo", DataSources[destination["datasourceUid"]!.Text!]["type"]!.Text);
    }

    [Fact]
    public void A_trace_leads_to_its_logs_and_a_log_line_to_its_trace()
    {
        var logs = DataSources["tempo"]["jsonData", "tracesToLogsV2"];
        Assert.Equal("loki", DataSources[logs["datasourceUid"]!.Text!]["type"]!.Text);
        Assert.Contains("trace_id=", logs["query"]!.Text);

        var field = Assert.Single(DataSources["loki"]["jsonData", "derivedFields"].Items);
        Assert.Equal("trace_id", field["matcherRegex"]!.Text);
        Assert.Equal("tempo", DataSources[field["datasourceUid"]!.Text!]["type"]!.Text);
    }

    [Fact]
    public void Grafana_reads_addresses_from_its_environment()
    {
        var grafana = Cluster["grafana", "env"];
        Assert.All(DataSources.Values, source => Assert.Contains(source["url"]!.Text!.TrimStart('$'), grafana.Keys));
        Assert.EndsWith(
            ":" + Node.Load("deploy/tempo/tempo.yaml")["server", "http_listen_port"].Text,
            grafana["TEMPO_URL"]!.Text
        );
        Assert.EndsWith(
            ":" + Node.Load("deploy/loki/loki.yaml")["server", "http_listen_port"].Text,
            grafana["LOKI_URL"]!.Text
        );
    }

    [Fact]
    public void Tempo_and_Loki_take_what_the_Collector_sends()
    {
        Assert.Equal(
            "0.0.0.0:4317",
            Node.Load("deploy/tempo/tempo.yaml")[
                "distributor",
                "receivers",
                "otlp",
                "protocols",
                "grpc",
                "endpoint"
            ].Text
        );
        Assert.Equal("true", Node.Load("deploy/loki/loki.yaml")["limits_config", "allow_structured_metadata"].Text);

        var exporters = Node.Load("deploy/otel-collector/config.yaml")["exporters"]!;
        Assert.Contains("tempo:4317", exporters["otlp_grpc/tempo", "endpoint"].Text);
        Assert.Contains("loki:3100/otlp", exporters["otlp_http/loki", "endpoint"].Text);
    }

    [Fact]
    public void Both_Prometheus_servers_drop_the_created_series_and_keep_exemplars()
    {
        var local = Node.Load("deploy/prometheus/prometheus.yml");
        var relabel = Assert.Single(Assert.Single(local["scrape_configs"]!.Items)["metric_relabel_configs"]!.Items);
        Assert.Equal(("drop", ".+_created"), (relabel["action"]!.Text, relabel["regex"]!.Text));
        Assert.NotNull(local["storage", "exemplars"]["max_exemplars"]);

        Assert.Contains(
            "exemplar-storage",
            Cluster["prometheus", "prometheusSpec", "enableFeatures"].Items.Select(feature => feature.Text)
        );
        var monitor = Assert.Single(Node.Load("deploy/k8s/base/podmonitor.yaml")["spec", "podMetricsEndpoints"].Items);
        var drop = Assert.Single(monitor["metricRelabelings"]!.Items);
        Assert.Equal(("drop", ".+_created"), (drop["action"]!.Text, drop["regex"]!.Text));
    }
}
