using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What Argo CD is told: every application fits its type, its project and its place in the order.</summary>
public sealed partial class GitOpsTests
{
    private const string Wave = "argocd.argoproj.io/sync-wave";

    // A fork has another.
    private static readonly string Repository = Root("dev").Custom<ApplicationSpec>().Single().Spec.Source.RepoURL;

    public static TheoryData<string> Environments => ["dev", "prod"];

    [Theory, MemberData(nameof(Environments))]
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
            Assert.Contains(project.Destinations, target =>
                target.Server == application.Spec.Destination.Server
                && target.Namespace == application.Spec.Destination.Namespace
            );
        });
        Assert.All(projects.Values, project =>
        {
            Assert.DoesNotContain("*", project.SourceRepos);
            Assert.DoesNotContain(project.Destinations, target =>
                target.Namespace.Contains('*', StringComparison.Ordinal)
            );
            Assert.DoesNotContain(project.ClusterResourceWhitelist, kind => kind.Kind == "*");
        });
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task Every_chart_and_every_foreign_repository_is_pinned(string environment) =>
        Assert.All((await BuildAsync(environment)).Custom<ApplicationSpec>(), application =>
        {
            var source = application.Spec.Source;
            if (source.Chart is not null || source.RepoURL != Repository)
                Assert.Matches(@"^v?\d+\.\d+\.\d+$", source.TargetRevision);
        });

    [Theory, MemberData(nameof(Environments))]
    public async Task The_cluster_follows_Git_and_failed_syncs_are_retried(string environment) =>
        Assert.All(
            [
                .. Root(environment).Custom<ApplicationSpec>(),
                .. (await BuildAsync(environment)).Custom<ApplicationSpec>(),
            ],
            application =>
            {
                Assert.True(application.Spec.SyncPolicy.Automated is { Prune: true, SelfHeal: true });
                // Somebody makes the secret store by hand, when he gets to it. Without "refresh" the first commit is
                // tried for ever.
                Assert.True(
                    application.Spec.SyncPolicy.Retry
                        is { Limit: < 0, Refresh: true, Backoff: { Factor: > 1, MaxDuration: "5m" } }
                );
            }
        );

    /// <summary>
    /// Argo CD does not know the defaults of types in lists: what it compares by itself would differ for ever.
    /// </summary>
    [Theory, MemberData(nameof(Environments))]
    public async Task The_API_server_computes_the_differences(string environment) =>
        Assert.All(
            [
                .. Root(environment).Custom<ApplicationSpec>(),
                .. (await BuildAsync(environment)).Custom<ApplicationSpec>(),
            ],
            application =>
                Assert.Equal(
                    "ServerSideDiff=true",
                    application.Metadata.Annotations["argocd.argoproj.io/compare-options"]
                )
        );

    [Theory, MemberData(nameof(Environments))]
    public async Task Operators_come_before_what_needs_them_and_the_platform_comes_last(string environment)
    {
        var waves = (await BuildAsync(environment))
            .Custom<ApplicationSpec>()
            .ToDictionary(
                application => application.Metadata.Name,
                application => int.Parse(application.Metadata.Annotations[Wave], CultureInfo.InvariantCulture)
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

    [Fact]
    public void Sync_waves_wait_because_Argo_CD_checks_the_health_of_applications() =>
        Assert.Contains(
            "resource.customizations.health.argoproj.io_Application",
            Node.Load("deploy/argocd/argocd-cm.yaml")["data"]!.Keys
        );

    [Theory, MemberData(nameof(Environments))]
    public async Task Paths_in_this_repository_exist_and_can_be_built(string environment)
    {
        var root = Root(environment);
        var project = Assert.Single(root.Custom<AppProjectSpec>());
        Assert.Empty(project.Spec.ClusterResourceWhitelist);

        var applications = root.Custom<ApplicationSpec>()
            .Concat((await BuildAsync(environment)).Custom<ApplicationSpec>())
            .ToArray();
        Assert.Equal(
            $"deploy/k8s/overlays/{environment}",
            applications.Single(application => application.Metadata.Name == "platform").Spec.Source.Path
        );
        foreach (var application in applications.Where(application => application.Spec.Source.RepoURL == Repository))
            Assert.NotEmpty((await KubernetesObjects.BuildAsync(application.Spec.Source.Path!)).All);
    }

    [Theory, MemberData(nameof(Environments))]
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
        var used = (await KubernetesObjects.BuildAsync($"deploy/k8s/overlays/{environment}"))
            .All.Select(entry =>
                (
                    Group: entry.ApiVersion.Contains('/', StringComparison.Ordinal)
                        ? entry.ApiVersion.Split('/')[0]
                        : "",
                    entry.Kind
                )
            )
            .Distinct()
            .Order();
        Assert.Equal(used, allowed);
    }

    [Fact]
    public async Task The_clusters_Collector_uses_our_file_and_the_services_send_to_it()
    {
        var objects = await KubernetesObjects.BuildAsync("deploy/k8s/observability");
        var collector = Assert.Single(objects.Of<V1StatefulSet>()).Spec.Template.Spec;
        var configuration = objects
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Name == collector.Volumes.Single().ConfigMap.Name);
        Assert.Equal(DeployFiles.Read("deploy/otel-collector/config.yaml"), configuration.Data["config.yaml"]);

        var services = (await KubernetesObjects.BuildAsync("deploy/k8s/overlays/prod"))
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Name.StartsWith("services", StringComparison.Ordinal));
        var endpoint = new Uri(services.Data["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var service = objects
            .Of<V1Service>()
            .Single(service => $"{service.Metadata.Name}.{service.Metadata.NamespaceProperty}" == endpoint.Host);
        Assert.Contains(endpoint.Port, service.Spec.Ports.Select(port => port.Port));
        Assert.Matches(@":\d+\.\d+\.\d+$", collector.Containers.Single().Image);
    }

    [Fact]
    public async Task Dashboards_and_rules_in_the_cluster_are_the_files_of_this_repository()
    {
        var objects = await KubernetesObjects.BuildAsync("deploy/k8s/observability");
        var dashboards = objects
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Labels?.ContainsKey("grafana_dashboard") == true);
        Assert.All(DeployFiles.Find("deploy/grafana/dashboards", "*.json"), file =>
            Assert.Equal(File.ReadAllText(file), dashboards.Data[Path.GetFileName(file)])
        );
        Assert.Equal(
            AlertRules.LoadRules().Select(rule => (rule.Record, rule.Alert, rule.Expr)),
            objects
                .Custom<AlertRules>()
                .OrderBy(rules => rules.Metadata.Name, StringComparer.Ordinal)
                .SelectMany(rules => rules.Spec.Groups)
                .SelectMany(group => group.Rules)
                .Select(rule => (rule.Record, rule.Alert, rule.Expr))
        );
    }

    [Theory]
    [InlineData("ci.yaml")]
    [InlineData("images.yaml")]
    public void Workflows_pin_what_they_run_and_ask_for_no_more_than_they_need(string file)
    {
        var workflow = Node.Load($".github/workflows/{file}");
        Assert.Equal("read", workflow["permissions"]!["contents"]!.Text);
        var jobs = workflow["jobs"]!;
        Assert.All(jobs.Keys, job =>
        {
            Assert.NotNull(jobs[job]!["timeout-minutes"]);
            Assert.All(jobs[job]!["steps"]!.Items.Where(step => step["uses"] is not null), step =>
                Assert.Matches("@[0-9a-f]{40}$", step["uses"]!.Text)
            );
            // A value of the event inside a script could be a script itself.
            Assert.All(jobs[job]!["steps"]!.Items.Where(step => step["run"] is not null), step =>
                Assert.DoesNotContain("${{", step["run"]!.Text, StringComparison.Ordinal)
            );
        });
        Assert.All(PinnedAction.Matches(DeployFiles.Read($".github/workflows/{file}")), match =>
            Assert.NotEmpty(match.Groups["version"].Value)
        );
    }

    [Fact]
    public void Containers_and_processes_are_tested_and_every_service_becomes_an_image()
    {
        var servers = Node.Load(".github/workflows/ci.yaml")["jobs"]!["test"]!["strategy"]!["matrix"]!["servers"]!;
        Assert.Equal(["containers", "processes"], servers.Items.Select(kind => kind.Text));

        var images = Node.Load(".github/workflows/images.yaml")["jobs"]!["publish"]!["strategy"]!["matrix"]![
            "include"
        ]!.Items;
        Assert.All(images, image => Assert.True(Directory.Exists(DeployFiles.Path(image["project"]!.Text!))));
        Assert.Equal(
            Node.Load("deploy/k8s/overlays/prod/kustomization.yaml")["images"]!.Items.Select(image =>
                image["name"]!.Text!.Split('/')[^1]
            ),
            images.Select(image => image["image"]!.Text).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Azd_finds_the_AppHost()
    {
        var project = Node.Load("azure.yaml")["services"]!["app"]!["project"]!.Text!;
        Assert.True(File.Exists(DeployFiles.Path(project)), project);
    }

    private static KubernetesObjects Root(string environment) =>
        KubernetesObjects.Parse(DeployFiles.Read($"deploy/argocd/roots/{environment}.yaml"));

    private static Task<KubernetesObjects> BuildAsync(string environment) =>
        KubernetesObjects.BuildAsync($"deploy/argocd/environments/{environment}");

    [GeneratedRegex(@"uses: [\w./-]+@[0-9a-f]{40}(?<version> # v[\d.]+)?", RegexOptions.ExplicitCapture)]
    private static partial Regex PinnedAction { get; }
}
