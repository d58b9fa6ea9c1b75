using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace GoReliable.Tests.Deploy;

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
        Assert.Contains($"image: {Image(builder, "otel-collector")}", DeployFiles.Read("deploy/k8s/observability/otel-collector.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_send_to_the_Collector_where_it_runs_and_stay_as_they_are_where_it_does_not()
    {
        await using var builder = await CreateAsync("--Observability=true", "--OTEL_EXPORTER_OTLP_ENDPOINT=http://chosen:4317");
        var orders = builder.CreateResourceBuilder<ProjectResource>("orders").Resource;
        var collector = builder.CreateResourceBuilder<ContainerResource>("otel-collector").Resource;
        var otlp = collector.Annotations.OfType<EndpointAnnotation>().Single(endpoint => endpoint.Name == "otlp");

        Assert.False(await SendsToAsync(builder, orders, collector));

        otlp.AllocatedEndpoint = new AllocatedEndpoint(otlp, "localhost", 4317);
        Assert.True(await SendsToAsync(builder, orders, collector));
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] arguments) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.GoReliable_AppHost>(["--KeepData=false", .. arguments], TestContext.Current.CancellationToken);

    private static HashSet<string> Names(IDistributedApplicationTestingBuilder builder) => [.. builder.Resources.Select(resource => resource.Name)];

    private static string Image(IDistributedApplicationTestingBuilder builder, string name) =>
        builder.Resources.Single(resource => resource.Name == name).TryGetContainerImageName(out var image) ? image : "";

    private static async Task<bool> SendsToAsync(IDistributedApplicationTestingBuilder builder, ProjectResource service, ContainerResource collector)
    {
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, service, cancellationToken: TestContext.Current.CancellationToken);
        foreach (var annotation in service.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context);

        return context.EnvironmentVariables["OTEL_EXPORTER_OTLP_ENDPOINT"] is EndpointReference { Resource: var target } && target == collector;
    }
}
