namespace GoReliable.Tests.Files.Deploy;

/// <summary>https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml</summary>
internal sealed class ApplicationSpec
{
    public required string Project { get; set; }
    public required Destination Destination { get; set; }
    public required SourceSpec Source { get; set; }
    public required SyncPolicySpec SyncPolicy { get; set; }

    internal sealed class SourceSpec
    {
        public required string RepoURL { get; set; }
        public required string TargetRevision { get; set; }
        public string? Path { get; set; }
        public string? Chart { get; set; }

        /// <summary>The chart's own business, so anything goes.</summary>
        public Dictionary<string, object>? Helm { get; set; }
        public KustomizeSpec? Kustomize { get; set; }
    }

    internal sealed class KustomizeSpec
    {
        public required List<string> Images { get; set; }
    }

    internal sealed class SyncPolicySpec
    {
        public required AutomatedSpec Automated { get; set; }
        public required List<string> SyncOptions { get; set; }
        public required RetrySpec Retry { get; set; }
    }

    internal sealed class AutomatedSpec
    {
        public required bool Prune { get; set; }
        public required bool SelfHeal { get; set; }
    }

    internal sealed class RetrySpec
    {
        public required int Limit { get; set; }
        public required bool Refresh { get; set; }
        public required BackoffSpec Backoff { get; set; }
    }

    internal sealed class BackoffSpec
    {
        public required string Duration { get; set; }
        public required int Factor { get; set; }
        public required string MaxDuration { get; set; }
    }
}

/// <summary>https://argo-cd.readthedocs.io/en/stable/operator-manual/project.yaml</summary>
internal sealed class AppProjectSpec
{
    public required string Description { get; set; }
    public required List<string> SourceRepos { get; set; }
    public required List<Destination> Destinations { get; set; }
    public required List<GroupKind> ClusterResourceWhitelist { get; set; }
    public List<GroupKind> NamespaceResourceWhitelist { get; set; } = [];

    internal sealed class GroupKind
    {
        public required string Group { get; set; }
        public required string Kind { get; set; }
    }
}

internal sealed record Destination
{
    public required string Server { get; set; }
    public required string Namespace { get; set; }
}
