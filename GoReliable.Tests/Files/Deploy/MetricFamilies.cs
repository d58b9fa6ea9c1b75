using GoReliable.Tests.Files.Docs;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// Every metric that dashboards and rules may read, with the labels that they may use: the platform's own families, and
/// the standard ones as the Prometheus exporter writes them. Histograms are named without <c>_bucket</c>, <c>_sum</c>
/// and <c>_count</c>.
/// </summary>
internal static class MetricFamilies
{
    /// <summary>Our own families, as docs/telemetry.md lists them. Each must be on a dashboard.</summary>
    public static IReadOnlyDictionary<string, string[]> Own { get; } =
        MarkdownDocument
            .Read("docs/telemetry.md")
            .Rows("Prometheus name")
            .ToDictionary(
                row => row.Code("Prometheus name"),
                row => row["type"] == "histogram" ? [.. row.Codes("labels"), "le"] : row.Codes("labels").ToArray()
            );

    /// <summary>
    /// Standard instruments, by the names of OpenTelemetry.Exporter.Prometheus:
    /// ASP.NET Core and HttpClient https://learn.microsoft.com/dotnet/core/diagnostics/built-in-metrics,
    /// Npgsql 10 https://www.npgsql.org/doc/diagnostics/metrics.html
    /// </summary>
    public static IReadOnlyDictionary<string, string[]> Standard { get; } =
        new Dictionary<string, string[]>
        {
            ["http_server_request_duration_seconds"] =
            [
                "http_request_method",
                "http_response_status_code",
                "http_route",
                "url_scheme",
                "le",
            ],
            ["http_client_request_duration_seconds"] = ["server_address", "server_port", "le"],
            ["http_client_open_connections"] = ["http_connection_state", "server_address", "server_port"],
            ["http_client_active_requests"] = ["server_address", "server_port"],

            ["kestrel_active_connections"] = [],
            ["kestrel_queued_connections"] = [],

            ["dotnet_process_cpu_time_seconds_total"] = ["cpu_mode"],
            ["dotnet_process_cpu_count"] = [],
            ["dotnet_process_memory_working_set_bytes"] = [],
            ["dotnet_gc_last_collection_heap_size_bytes"] = ["gc_heap_generation"],
            ["dotnet_gc_heap_total_allocated_bytes_total"] = [],
            ["dotnet_gc_pause_time_seconds_total"] = [],
            ["dotnet_gc_collections_total"] = ["gc_heap_generation"],
            ["dotnet_thread_pool_thread_count_total"] = [],
            ["dotnet_thread_pool_queue_length_total"] = [],
            ["dotnet_monitor_lock_contentions_total"] = [],
            ["dotnet_exceptions_total"] = ["error_type"],

            ["db_client_operation_duration_seconds"] = ["db_client_connection_pool_name", "le"],
            ["db_client_connection_count"] = ["db_client_connection_pool_name", "db_client_connection_state"],
            ["db_client_connection_max"] = ["db_client_connection_pool_name"],
            ["db_client_connection_npgsql_pending_requests"] = ["db_client_connection_pool_name"],
            ["db_client_operation_npgsql_prepared_ratio"] = ["db_client_connection_pool_name"],

            ["target_info"] = ["service_name", "service_namespace", "service_version"],
            // From the Collector, for the way from a trace to its metrics.
            ["traces_span_metrics_calls_total"] = ["service_name", "status_code"],
        };

    /// <summary>What Prometheus itself writes.</summary>
    public static IReadOnlyDictionary<string, string[]> BuiltIn { get; } =
        new Dictionary<string, string[]>
        {
            ["up"] = [],
            ["ALERTS"] = ["alertname", "alertstate", "severity", "sloth_id"],
        };

    /// <summary>On every series: Prometheus' target labels.</summary>
    public static IReadOnlySet<string> TargetLabels { get; } = new HashSet<string> { "job", "instance", "environment" };

    /// <summary>The family that a series belongs to: the histogram of its <c>_bucket</c>.</summary>
    public static string FamilyOf(string series)
    {
        foreach (var suffix in new[] { "_bucket", "_count", "_sum" })
            if (series.EndsWith(suffix, StringComparison.Ordinal) && Known(series[..^suffix.Length]))
                return series[..^suffix.Length];
        return series;
    }

    /// <summary>The labels that a family may be used with, or null when it is not known.</summary>
    public static IReadOnlyCollection<string>? LabelsOf(string family) =>
        Own.GetValueOrDefault(family) ?? Standard.GetValueOrDefault(family) ?? BuiltIn.GetValueOrDefault(family);

    private static bool Known(string family) => Own.ContainsKey(family) || Standard.ContainsKey(family);
}
