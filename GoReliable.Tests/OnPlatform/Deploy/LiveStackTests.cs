using System.Collections.Concurrent;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>What the AppHost adds for a developer's machine, before anything is started.</summary>
public sealed class LiveStackTests
{
    private static readonly string[] Stack = ["grafana", "loki", "otel-collector", "prometheus", "tempo"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_of_the_stack_is_there_when_it_is_switched_off()
    {
        await using var builder = await CreateAsync("--Observability=false");

        Assert.Empty(Names(builder).Intersect(Stack));
    }

    [Fact]
    public async Task Every_image_is_pinned_and_services_send_to_the_Collector_which_is_the_one_of_the_cluster()
    {
        await using var builder = await CreateAsync("--Observability=true");

        Assert.All(Stack, name => Assert.Matches(@"^docker\.io/.+:v?\d+\.\d+\.\d+$", Image(builder, name)));
        Assert.Contains(
            $"image: {Image(builder, "otel-collector")}",
            DeployFiles.Read("deploy/k8s/observability/otel-collector.yaml"),
            StringComparison.Ordinal
        );

        var orders = builder.CreateResourceBuilder<ProjectResource>("orders").Resource;
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, orders, cancellationToken: Cancel);
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

    [Fact]
    public async Task Replicas_are_those_of_the_services_behind_the_gateway()
    {
        await using var builder = await CreateAsync("--Replicas=3");

        Assert.Equal(
            [("gateway", 1), ("notifications", 3), ("orders", 3)],
            builder
                .Resources.OfType<ProjectResource>()
                .Select(service => (service.Name, service.GetReplicaCount()))
                .Order()
        );
    }

    [Fact]
    public async Task Targets_that_Prometheus_could_not_be_given_are_given_later()
    {
        await using var builder = await CreateAsync("--Observability=true", "--Servers=processes");
        using var complaints = new Complaints();
        // Not the application itself, which would start.
        var parts = Host.CreateEmptyApplicationBuilder(null);
        parts.Logging.AddProvider(complaints);
        parts.Services.AddSingleton<ResourceLoggerService>().AddSingleton<ResourceNotificationService>();
        using var app = parts.Build();
        var notifications = app.Services.GetRequiredService<ResourceNotificationService>();
        var prometheus = builder.Resources.OfType<ExecutableResource>().Single(server => server.Name == "prometheus");
        var orders = builder.CreateResourceBuilder<ProjectResource>("orders").Resource;
        var targets = Path.Combine(prometheus.WorkingDirectory, "prometheus", "targets", "goreliable.json");
        // Nobody can write a file where a directory is.
        var inTheWay = Directory.CreateDirectory($"{targets}.next");
        try
        {
            await builder.Eventing.PublishAsync(
                new InitializeResourceEvent(
                    prometheus,
                    builder.Eventing,
                    app.Services.GetRequiredService<ResourceLoggerService>(),
                    notifications,
                    app.Services
                ),
                Cancel
            );
            await RunsAsync("orders-1", "1001");
            await Poll.UntilAsync(
                "the complaint",
                () => Task.FromResult(complaints.Texts),
                texts =>
                    texts.Any(text =>
                        text.Contains("The targets of Prometheus cannot be written", StringComparison.Ordinal)
                    )
            );
            inTheWay.Delete();
            await RunsAsync("orders-2", "1002");

            await Poll.UntilAsync(
                "a target for each of the two replicas",
                async () =>
                    JsonElement
                        .Parse(await File.ReadAllTextAsync(targets, Cancel))
                        .EnumerateArray()
                        .Select(target => target.GetProperty("targets")[0].GetString()),
                addresses => addresses.SequenceEqual(["127.0.0.1:1001", "127.0.0.1:1002"])
            );
        }
        finally
        {
            Directory.Delete(prometheus.WorkingDirectory, recursive: true);
        }

        // As the orchestrator tells of an instance.
        Task RunsAsync(string instance, string port) =>
            notifications.PublishUpdateAsync(orders, instance, state =>
                state with
                {
                    State = KnownResourceStates.Running,
                    EnvironmentVariables = [new("MANAGEMENT_PORT", port, IsFromSpec: true)],
                }
            );
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] arguments) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.GoReliable_AppHost>(
            ["--KeepData=false", "--Servers=containers", .. arguments],
            Cancel
        );

    private static HashSet<string> Names(IDistributedApplicationTestingBuilder builder) =>
        [.. builder.Resources.Select(resource => resource.Name)];

    private static string Image(IDistributedApplicationTestingBuilder builder, string name) =>
        builder.Resources.Single(resource => resource.Name == name).TryGetContainerImageName(out var image)
            ? image
            : "";

    private sealed class Complaints : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Texts { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Texts.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}
