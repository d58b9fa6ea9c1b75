using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>What the AppHost adds for a developer's machine, before anything is started.</summary>
public sealed class LiveStackTests
{
    private static readonly string[] Stack = ["grafana", "loki", "otel-collector", "prometheus", "tempo"];

    [Fact]
    public async Task The_stack_is_there_unless_it_is_switched_off()
    {
        await using var on = await CreateAsync("--Observability=true");
        await using var off = await CreateAsync("--Observability=false");

        Assert.Superset(Stack.ToHashSet(), Names(on));
        Assert.Empty(Names(off).Intersect(Stack));
    }

    [Fact]
    public async Task Every_image_is_pinned_and_the_Collector_is_the_one_of_the_cluster()
    {
        await using var builder = await CreateAsync("--Observability=true");

        Assert.All(Stack, name => Assert.Matches(@"^docker\.io/.+:v?\d+\.\d+\.\d+$", Image(builder, name)));
        Assert.Contains(
            $"image: {Image(builder, "otel-collector")}",
            DeployFiles.Read("deploy/k8s/observability/otel-collector.yaml"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Services_send_to_the_Collector()
    {
        await using var builder = await CreateAsync("--Observability=true");

        var orders = builder.CreateResourceBuilder<ProjectResource>("orders").Resource;
        var context = new EnvironmentCallbackContext(
            builder.ExecutionContext,
            orders,
            cancellationToken: TestContext.Current.CancellationToken
        );
        foreach (var annotation in orders.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context);

        Assert.Equal(
            "otel-collector",
            Assert.IsType<EndpointReference>(context.EnvironmentVariables["OTEL_EXPORTER_OTLP_ENDPOINT"]).Resource.Name
        );
    }

    [Fact]
    public async Task Without_containers_only_Prometheus_is_there_and_nothing_is_a_container()
    {
        await using var builder = await CreateAsync("--Observability=true", "--Servers=processes");

        Assert.Equal(["prometheus"], Names(builder).Intersect(Stack));
        Assert.All(builder.Resources, resource => Assert.False(resource.IsContainer(), resource.Name));
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] arguments) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.GoReliable_AppHost>(
            ["--KeepData=false", "--Servers=containers", .. arguments],
            TestContext.Current.CancellationToken
        );

    private static HashSet<string> Names(IDistributedApplicationTestingBuilder builder) =>
        [.. builder.Resources.Select(resource => resource.Name)];

    private static string Image(IDistributedApplicationTestingBuilder builder, string name) =>
        builder.Resources.Single(resource => resource.Name == name).TryGetContainerImageName(out var image)
            ? image
            : "";
}
