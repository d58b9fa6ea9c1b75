using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

internal sealed record NameRef(string Name);

/// <summary>https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitorSpec</summary>
internal sealed record PodMonitorSpec(
    string JobLabel,
    V1LabelSelector Selector,
    List<PodMonitorSpec.Endpoint> PodMetricsEndpoints
)
{
    internal sealed record Endpoint(string Port, string Path, string Interval, string? ScrapeTimeout = null)
    {
        public List<Relabeling> Relabelings { get; init; } = [];
        public List<Relabeling> MetricRelabelings { get; init; } = [];
    }

    internal sealed record Relabeling(
        string Action,
        List<string>? SourceLabels = null,
        string? TargetLabel = null,
        string? Replacement = null,
        string? Regex = null
    );
}

/// <summary>https://keda.sh/docs/latest/reference/scaledobject-spec/</summary>
internal sealed record ScaledObjectSpec(
    NameRef ScaleTargetRef,
    int MinReplicaCount,
    int MaxReplicaCount,
    List<ScaledObjectSpec.Trigger> Triggers
)
{
    /// <summary>https://keda.sh/docs/latest/scalers/rabbitmq-queue/</summary>
    internal sealed record Trigger(string Type, Dictionary<string, string> Metadata, NameRef AuthenticationRef);
}

/// <summary>https://keda.sh/docs/latest/concepts/authentication/</summary>
internal sealed record TriggerAuthenticationSpec(List<TriggerAuthenticationSpec.SecretTarget> SecretTargetRef)
{
    internal sealed record SecretTarget(string Parameter, string Name, string Key);
}

/// <summary>https://external-secrets.io/latest/api/externalsecret/</summary>
internal sealed record ExternalSecretSpec(
    string RefreshInterval,
    Dictionary<string, string> SecretStoreRef,
    ExternalSecretSpec.SecretTarget Target,
    List<ExternalSecretSpec.Item> Data
)
{
    internal sealed record SecretTarget(string Name, SecretTemplate Template);

    internal sealed record SecretTemplate(
        string Type,
        Dictionary<string, Dictionary<string, string>> Metadata,
        Dictionary<string, string> Data
    );

    internal sealed record Item(string SecretKey, Dictionary<string, string> RemoteRef);
}

/// <summary>https://cloudnative-pg.io/docs/current/cloudnative-pg.v1#clusterspec</summary>
internal sealed record PostgresClusterSpec(
    int Instances,
    string ImageName,
    PostgresClusterSpec.BootstrapSpec Bootstrap,
    PostgresClusterSpec.ManagedSpec Managed,
    Dictionary<string, string> Storage,
    Dictionary<string, string> WalStorage,
    Dictionary<string, Dictionary<string, string>> Resources,
    PostgresClusterSpec.PostgresqlSpec Postgresql,
    Dictionary<string, string>? Affinity = null
)
{
    internal sealed record BootstrapSpec(InitdbSpec Initdb);

    internal sealed record InitdbSpec(string Database, string Owner, NameRef Secret);

    internal sealed record ManagedSpec(List<RoleSpec> Roles);

    internal sealed record RoleSpec(
        string Name,
        string Ensure,
        bool Login,
        bool Inherit,
        int ConnectionLimit,
        NameRef PasswordSecret
    );

    internal sealed record PostgresqlSpec(Dictionary<string, string> Parameters, SynchronousSpec? Synchronous = null);

    /// <summary>https://cloudnative-pg.io/docs/current/replication#synchronous-replication</summary>
    internal sealed record SynchronousSpec(string Method, int Number, string DataDurability);
}

/// <summary>https://cloudnative-pg.io/docs/current/cloudnative-pg.v1#databasespec</summary>
internal sealed record PostgresDatabaseSpec(string Name, string Owner, NameRef Cluster);

/// <summary>https://www.rabbitmq.com/kubernetes/operator/using-operator</summary>
internal sealed record RabbitmqClusterSpec(
    int Replicas,
    string Image,
    Dictionary<string, string> Persistence,
    Dictionary<string, Dictionary<string, string>> Resources,
    Dictionary<string, string> Rabbitmq,
    V1Affinity? Affinity = null
);

/// <summary>https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml</summary>
internal sealed record ApplicationSpec(
    string Project,
    Destination Destination,
    ApplicationSpec.SourceSpec Source,
    ApplicationSpec.SyncPolicySpec SyncPolicy
)
{
    // What is below Helm is the chart's own business.
    internal sealed record SourceSpec(
        string RepoURL,
        string TargetRevision,
        string? Path = null,
        string? Chart = null,
        Dictionary<string, object>? Helm = null,
        KustomizeSpec? Kustomize = null
    );

    internal sealed record KustomizeSpec(List<string> Images);

    internal sealed record SyncPolicySpec(AutomatedSpec Automated, List<string> SyncOptions, RetrySpec Retry);

    internal sealed record AutomatedSpec(bool Prune, bool SelfHeal);

    internal sealed record RetrySpec(int Limit, bool Refresh, BackoffSpec Backoff);

    internal sealed record BackoffSpec(string Duration, int Factor, string MaxDuration);
}

/// <summary>https://argo-cd.readthedocs.io/en/stable/operator-manual/project.yaml</summary>
internal sealed record AppProjectSpec(
    string Description,
    List<string> SourceRepos,
    List<Destination> Destinations,
    List<AppProjectSpec.GroupKind> ClusterResourceWhitelist
)
{
    public List<GroupKind> NamespaceResourceWhitelist { get; init; } = [];

    internal sealed record GroupKind(string Group, string Kind);
}

internal sealed record Destination(string Server, string Namespace);
