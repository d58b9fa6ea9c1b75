namespace GoReliable.Tests.Files.Deploy;

/// <summary>What Argo CD is told: every application fits its type, its project and its place in the order.</summary>
public sealed class GitOpsTests
{
    private const string Wave = "argocd.argoproj.io/sync-wave";

    // A fork has another.
    private static readonly string Repository = Root("dev").Only<ApplicationSpec>().Spec.Source.RepoURL;

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_source_and_target_of_an_application_is_allowed_by_its_project(string environment)
    {
        var objects = await BuildAsync(environment);
        var projects = objects
            .Custom<AppProjectSpec>()
            .ToDictionary(project => project.Metadata.Name, project => project.Spec);
        Assert.All(objects.Custom<ApplicationSpec>(), application =>
        {
            var project = projects[application.Spec.Project];
            Assert.Contains(application.Spec.Source.RepoURL, project.SourceRepos);
            Assert.Contains(application.Spec.Destination, project.Destinations);
        });
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task No_project_allows_everything_and_the_root_changes_nothing_of_the_whole_cluster(string environment)
    {
        Assert.Empty(Root(environment).Only<AppProjectSpec>().Spec.ClusterResourceWhitelist);
        Assert.All((await BuildAsync(environment)).Custom<AppProjectSpec>().Select(project => project.Spec), project =>
        {
            Assert.DoesNotContain("*", project.SourceRepos);
            Assert.DoesNotContain(project.Destinations, target => target.Namespace.Contains('*'));
            Assert.DoesNotContain(project.ClusterResourceWhitelist, kind => kind.Kind == "*");
        });
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_chart_and_every_foreign_repository_is_pinned(string environment) =>
        Assert.All((await BuildAsync(environment)).Custom<ApplicationSpec>(), application =>
        {
            var source = application.Spec.Source;
            if (source.Chart is not null || source.RepoURL != Repository)
                Assert.Matches(@"^v?\d+\.\d+\.\d+$", source.TargetRevision);
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_cluster_follows_Git(string environment) =>
        Assert.All(await ApplicationsAsync(environment), application =>
        {
            // Somebody makes the secret store by hand, after a while. Without "refresh" the first commit is tried for
            // ever.
            Assert.True(
                application.Spec.SyncPolicy
                    is {
                        Automated: { Prune: true, SelfHeal: true },
                        Retry: { Limit: < 0, Refresh: true, Backoff: { Factor: > 1, MaxDuration: "5m" } }
                    }
            );
            // Argo CD does not know the defaults of types in lists: what it compares by itself would differ for ever.
            Assert.Equal("ServerSideDiff=true", application.Metadata.Annotations["argocd.argoproj.io/compare-options"]);
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Operators_come_before_what_needs_them_and_the_platform_comes_last(string environment)
    {
        // Argo CD waits for a wave only if it checks the health of applications.
        Assert.Contains(
            "resource.customizations.health.argoproj.io_Application",
            Node.Load("deploy/argocd/argocd-cm.yaml")["data"]!.Keys
        );
        var waves = (await BuildAsync(environment))
            .Custom<ApplicationSpec>()
            .ToDictionary(
                application => application.Metadata.Name,
                application => int.Parse(application.Metadata.Annotations[Wave])
            );
        Assert.True(
            waves["cert-manager"] < waves["rabbitmq-operator"],
            "The RabbitMQ operator's webhook needs a certificate."
        );
        Assert.True(
            waves["kube-prometheus-stack"] < waves["observability"],
            "PrometheusRule and PodMonitor come with the stack."
        );
        Assert.All(waves.Where(wave => wave.Key != "platform"), wave =>
            Assert.True(wave.Value < waves["platform"], $"{wave.Key} comes too late.")
        );
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Paths_in_this_repository_can_be_built_and_the_platform_is_its_overlay(string environment)
    {
        var paths = (await ApplicationsAsync(environment))
            .Where(application => application.Spec.Source.RepoURL == Repository)
            .ToDictionary(application => application.Metadata.Name, application => application.Spec.Source.Path!);
        Assert.Equal($"deploy/k8s/overlays/{environment}", paths["platform"]);
        foreach (var path in paths.Values)
            Assert.NotEmpty((await KubernetesObjects.BuildAsync(path)).All);
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_platforms_project_allows_the_kinds_that_the_platform_has_and_no_others(string environment)
    {
        var project = (await BuildAsync(environment))
            .Custom<AppProjectSpec>()
            .Single(project => project.Metadata.Name == "goreliable-platform")
            .Spec;
        var allowed = project
            .NamespaceResourceWhitelist.Concat(project.ClusterResourceWhitelist)
            .Select(kind => (kind.Group, kind.Kind))
            .Order();
        var used = (await Overlay.BuildAsync(environment))
            .Objects.All.Select(entry =>
                (Group: entry.ApiVersion.Split('/') is [var group, _] ? group : "", entry.Kind)
            )
            .Distinct()
            .Order();
        Assert.Equal(used, allowed);
    }

    private static KubernetesObjects Root(string environment) =>
        KubernetesObjects.Parse(DeployFiles.Read($"deploy/argocd/roots/{environment}.yaml"));

    private static Task<KubernetesObjects> BuildAsync(string environment) =>
        KubernetesObjects.BuildAsync($"deploy/argocd/environments/{environment}");

    // The one that makes the others, and those.
    private static async Task<CustomResource<ApplicationSpec>[]> ApplicationsAsync(string environment) =>
        [.. Root(environment).Custom<ApplicationSpec>(), .. (await BuildAsync(environment)).Custom<ApplicationSpec>()];
}
