using k8s.Models;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// An object of a type that an operator brings. Its spec is the schema: what we use of it, and nothing else.
/// </summary>
internal sealed class CustomResource<TSpec>
{
    public required string ApiVersion { get; set; }
    public required string Kind { get; set; }
    public required ObjectMetadata Metadata { get; set; }
    public required TSpec Spec { get; set; }
}

internal sealed class ObjectMetadata
{
    public required string Name { get; set; }
    public string? Namespace { get; set; }
    public Dictionary<string, string> Labels { get; set; } = [];
    public Dictionary<string, string> Annotations { get; set; } = [];
    public List<string> Finalizers { get; set; } = [];
}

/// <summary>
/// Reads custom resources strictly: an unknown member, a member of the wrong type and a missing required one are
/// errors.
/// </summary>
internal static class CustomResources
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .WithEnforceRequiredMembers()
        .WithDuplicateKeyChecking()
        .Build();

    private static readonly Dictionary<string, Type> Types = new()
    {
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(CustomResource<PodMonitorSpec>),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(CustomResource<AlertRules>),
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(CustomResource<ScaledObjectSpec>),
        ["keda.sh/v1alpha1/TriggerAuthentication"] = typeof(CustomResource<TriggerAuthenticationSpec>),
        ["external-secrets.io/v1/ExternalSecret"] = typeof(CustomResource<ExternalSecretSpec>),
        ["postgresql.cnpg.io/v1/Cluster"] = typeof(CustomResource<PostgresClusterSpec>),
        ["postgresql.cnpg.io/v1/Database"] = typeof(CustomResource<PostgresDatabaseSpec>),
        ["rabbitmq.com/v1beta1/RabbitmqCluster"] = typeof(CustomResource<RabbitmqClusterSpec>),
        ["argoproj.io/v1alpha1/Application"] = typeof(CustomResource<ApplicationSpec>),
        ["argoproj.io/v1alpha1/AppProject"] = typeof(CustomResource<AppProjectSpec>),
    };

    /// <summary>The object, or null when its type is not one of an operator.</summary>
    public static object? Parse(string apiVersion, string kind, string yaml) =>
        Types.TryGetValue($"{apiVersion}/{kind}", out var type) ? Yaml.Deserialize(yaml, type) : null;
}

internal sealed class NameRef
{
    public required string Name { get; set; }
}

/// <summary>https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitorSpec</summary>
internal sealed class PodMonitorSpec
{
    public required string JobLabel { get; set; }
    public required V1LabelSelector Selector { get; set; }
    public required List<Endpoint> PodMetricsEndpoints { get; set; }

    internal sealed class Endpoint
    {
        public required string Port { get; set; }
        public required string Path { get; set; }
        public required string Interval { get; set; }
        public string? ScrapeTimeout { get; set; }
        public List<Relabeling> Relabelings { get; set; } = [];
        public List<Relabeling> MetricRelabelings { get; set; } = [];
    }

    internal sealed class Relabeling
    {
        public List<string> SourceLabels { get; set; } = [];
        public string? TargetLabel { get; set; }
        public string? Replacement { get; set; }
        public string? Regex { get; set; }
        public required string Action { get; set; }
    }
}

/// <summary>https://keda.sh/docs/latest/reference/scaledobject-spec/</summary>
internal sealed class ScaledObjectSpec
{
    public required NameRef ScaleTargetRef { get; set; }
    public required int MinReplicaCount { get; set; }
    public required int MaxReplicaCount { get; set; }
    public required List<Trigger> Triggers { get; set; }

    /// <summary>https://keda.sh/docs/latest/scalers/rabbitmq-queue/</summary>
    internal sealed class Trigger
    {
        public required string Type { get; set; }
        public required Dictionary<string, string> Metadata { get; set; }
        public required NameRef AuthenticationRef { get; set; }
    }
}

/// <summary>https://keda.sh/docs/latest/concepts/authentication/</summary>
internal sealed class TriggerAuthenticationSpec
{
    public required List<SecretTarget> SecretTargetRef { get; set; }

    internal sealed class SecretTarget
    {
        public required string Parameter { get; set; }
        public required string Name { get; set; }
        public required string Key { get; set; }
    }
}

/// <summary>https://external-secrets.io/latest/api/externalsecret/</summary>
internal sealed class ExternalSecretSpec
{
    public required string RefreshInterval { get; set; }
    public required Dictionary<string, string> SecretStoreRef { get; set; }
    public required SecretTarget Target { get; set; }
    public required List<Item> Data { get; set; }

    internal sealed class SecretTarget
    {
        public required string Name { get; set; }
        public required SecretTemplate Template { get; set; }
    }

    internal sealed class SecretTemplate
    {
        public required string Type { get; set; }
        public required Dictionary<string, Dictionary<string, string>> Metadata { get; set; }
        public required Dictionary<string, string> Data { get; set; }
    }

    internal sealed class Item
    {
        public required string SecretKey { get; set; }
        public required Dictionary<string, string> RemoteRef { get; set; }
    }
}
