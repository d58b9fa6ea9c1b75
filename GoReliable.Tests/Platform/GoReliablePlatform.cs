using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Npgsql;
using OtlpReceiver;
using RabbitMQ.Client;

namespace GoReliable.Tests.Platform;

/// <summary>
/// The whole platform as its AppHost describes it: real PostgreSQL, real RabbitMQ, the services as processes.
/// </summary>
public sealed partial class GoReliablePlatform : IAsyncDisposable
{
    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    // 20 s alone; several at once, beside tests that keep all processors busy, have taken more than two minutes.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(4);

    // On a new machine the first one makes the keys in the user secrets: two at once would each make their own.
    private static readonly SemaphoreSlim OneBuilder = new(1);

    private readonly DistributedApplication app;

    private GoReliablePlatform(
        DistributedApplication app,
        OtlpEndpoint telemetry,
        string pickupFolder,
        TokenIssuer tokens
    ) => (this.app, Telemetry, PickupFolder, Tokens) = (app, telemetry, pickupFolder, tokens);

    /// <summary>Every span, log and metric that the services of this platform export.</summary>
    public OtlpEndpoint Telemetry { get; }

    /// <summary>Signs with the key that the AppHost handed to the services.</summary>
    internal TokenIssuer Tokens { get; }

    /// <summary>Where e-mails of this platform end up.</summary>
    public string PickupFolder { get; }

    /// <summary>Starts a platform of its own, with empty databases, and waits until it is healthy.</summary>
    /// <param name="configure">Changes the AppHost's model before it is built.</param>
    /// <param name="observability">Whether Prometheus and the others run too; most tests start faster without.</param>
    /// <param name="dashboardToken">
    /// Runs the dashboard too, which asks for this token and gets the telemetry. Without it, <see cref="Telemetry"/>
    /// does.
    /// </param>
    /// <param name="services">Whether the services run too; without, only the servers that they need.</param>
    /// <param name="brokerManagement">
    /// Whether the broker's management plugin runs too; without, it starts and stops faster.
    /// </param>
    /// <param name="resourceLogging">
    /// Whether what the resources write is sent to the AppHost's loggers; it costs much for each line.
    /// </param>
    public static async Task<GoReliablePlatform> StartAsync(
        Action<IDistributedApplicationTestingBuilder>? configure = null,
        bool observability = false,
        string? dashboardToken = null,
        bool services = true,
        bool brokerManagement = false,
        bool resourceLogging = false
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(StartTimeout);

        var pickup = Directory.CreateTempSubdirectory("goreliable-pickup-").FullName;
        string[] arguments = ["--KeepData=false", "--RunAsBuilt=true", $"--Observability={observability}"];
        // Aspire's orchestrator asks for the container runtime every few seconds, and here nothing needs one. Asking for
        // one that is not installed costs less than starting a client that finds no daemon.
        if (Environment.GetEnvironmentVariable("Servers") == "processes")
            arguments = [.. arguments, "--DcpPublisher:ContainerRuntime=podman"];
        if (dashboardToken is not null)
        {
            arguments =
            [
                .. arguments,
                $"--ASPNETCORE_URLS=http://127.0.0.1:{ServiceProcess.FreePort()}",
                $"--ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN={dashboardToken}",
                "--ASPIRE_ALLOW_UNSECURED_TRANSPORT=true",
                $"--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://127.0.0.1:{ServiceProcess.FreePort()}",
                $"--ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL=http://127.0.0.1:{ServiceProcess.FreePort()}",
            ];
        }
        var builder = await CreateBuilderAsync(arguments, dashboardToken is not null, resourceLogging, timeout.Token);
        builder.CreateResourceBuilder<ProjectResource>("notifications").WithEnvironment("Email__PickupFolder", pickup);
        var telemetry = await OtlpEndpoint.StartAsync(timeout.Token);
        foreach (var service in dashboardToken is null ? Services : [])
        {
            builder
                .CreateResourceBuilder<ProjectResource>(service)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", telemetry.GrpcEndpoint.OriginalString)
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
                // Aspire sets one second, for its dashboard; here nobody looks that often.
                .WithEnvironment("OTEL_METRIC_EXPORT_INTERVAL", "5000");
        }
        // All tests come from one address, and ask faster than people do.
        builder
            .CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("RateLimits__PerAddress__PermitsPerSecond", "100000")
            .WithEnvironment("RateLimits__PerAddress__Burst", "100000")
            .WithEnvironment("RateLimits__PerCustomer__PermitsPerSecond", "10000")
            .WithEnvironment("RateLimits__PerCustomer__Burst", "10000");
        foreach (var service in services ? [] : builder.Resources.OfType<ProjectResource>().ToList())
            builder.CreateResourceBuilder(service).WithExplicitStart();
        if (!brokerManagement)
            RemoveManagement(builder.Resources.Single(resource => resource.Name == "messaging"));
        configure?.Invoke(builder);
        var tokens = TokenIssuer.Development(
            builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"]!
        );

        var platform = new GoReliablePlatform(await builder.BuildAsync(timeout.Token), telemetry, pickup, tokens);
        try
        {
            await platform.app.StartAsync(timeout.Token);
            foreach (var resource in services ? Services : ["orders-db", "notifications-db", "messaging"])
                await platform.app.ResourceNotifications.WaitForResourceHealthyAsync(resource, timeout.Token);
            return platform;
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }
    }

    private static void RemoveManagement(IResource broker) =>
        broker.Annotations.Remove(
            broker.Annotations.OfType<EndpointAnnotation>().Single(endpoint => endpoint.Name == "management")
        );

    private static async Task<IDistributedApplicationTestingBuilder> CreateBuilderAsync(
        string[] arguments,
        bool dashboard,
        bool resourceLogging,
        CancellationToken cancel
    )
    {
        await OneBuilder.WaitAsync(cancel);
        try
        {
            return await DistributedApplicationTestingBuilder.CreateAsync<Projects.GoReliable_AppHost>(
                arguments,
                (options, _) =>
                    (options.DisableDashboard, options.EnableResourceLogging) = (!dashboard, resourceLogging),
                cancel
            );
        }
        finally
        {
            OneBuilder.Release();
        }
    }

    /// <summary>A client of the gateway's public API.</summary>
    /// <param name="customer">Who is calling, by a token that is good for an hour; null for nobody.</param>
    public HttpClient Client(string? customer) => Client("gateway", customer);

    /// <summary>A client of one service's public API, past the gateway.</summary>
    /// <param name="service">Its name.</param>
    /// <param name="customer">Who is calling; null for nobody.</param>
    /// <param name="scopes">What the token allows, separated by spaces.</param>
    public HttpClient Client(string service, string? customer, string scopes = TokenIssuer.CustomerScopes)
    {
        var client = new HttpClient { BaseAddress = app.GetEndpoint(service, "http") };
        if (customer is not null)
            client.DefaultRequestHeaders.Authorization = Tokens.Bearer(customer, scopes);
        return client;
    }

    /// <summary>
    /// Where a service takes requests, past the proxy that Aspire has in front of it.
    /// </summary>
    public Uri Address(string service)
    {
        Assert.True(app.ResourceNotifications.TryGetCurrentState(service, out var state));
        return new(
            state
                .Snapshot.EnvironmentVariables.Single(variable => variable.Name == "ASPNETCORE_URLS")
                .Value!.Split(';')[0]
        );
    }

    /// <summary>A client of the dashboard, if it runs.</summary>
    public HttpClient Dashboard() => new() { BaseAddress = app.GetEndpoint("aspire-dashboard", "http") };

    /// <summary>A client of a service's management port.</summary>
    public HttpClient Management(string service) => new() { BaseAddress = app.GetEndpoint(service, "management") };

    /// <summary>A database of the platform: <c>orders-db</c> or <c>notifications-db</c>.</summary>
    public async Task<NpgsqlDataSource> DatabaseAsync(string name) =>
        NpgsqlDataSource.Create(await ConnectionStringAsync(name));

    /// <summary>How to reach a database or the broker, password included.</summary>
    public async Task<string> ConnectionStringAsync(string name) =>
        (await app.GetConnectionStringAsync(name, TestContext.Current.CancellationToken))!;

    /// <summary>A connection to the broker, beside those of the services.</summary>
    public async Task<IConnection> BrokerAsync()
    {
        var factory = new ConnectionFactory { Uri = new Uri(await ConnectionStringAsync("messaging")) };
        return await factory.CreateConnectionAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await Telemetry.DisposeAsync();
        Directory.Delete(PickupFolder, recursive: true);
    }
}
