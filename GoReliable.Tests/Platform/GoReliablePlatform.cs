using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
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
    /// <param name="replicas">Of Orders and of Notifications, each.</param>
    /// <param name="configure">Changes the AppHost's model before it is built.</param>
    /// <param name="observability">Whether Prometheus and the others run too; most tests start faster without.</param>
    /// <param name="dashboardToken">
    /// Runs the dashboard too, which asks for this token and gets the telemetry. Without it, <see cref="Telemetry"/>
    /// does.
    /// </param>
    public static async Task<GoReliablePlatform> StartAsync(
        int replicas = 1,
        Action<IDistributedApplicationTestingBuilder>? configure = null,
        bool observability = false,
        string? dashboardToken = null
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(StartTimeout);

        var pickup = Directory.CreateTempSubdirectory("goreliable-pickup-").FullName;
        string[] arguments =
        [
            "--KeepData=false",
            $"--Observability={observability}",
            string.Create(CultureInfo.InvariantCulture, $"--Replicas={replicas}"),
        ];
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
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.GoReliable_AppHost>(
            arguments,
            (options, _) => options.DisableDashboard = dashboardToken is null,
            timeout.Token
        );
        builder.CreateResourceBuilder<ProjectResource>("notifications").WithEnvironment("Email__PickupFolder", pickup);
        var telemetry = await OtlpEndpoint.StartAsync(timeout.Token);
        foreach (var service in dashboardToken is null ? Services : [])
        {
            builder
                .CreateResourceBuilder<ProjectResource>(service)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", telemetry.GrpcEndpoint.OriginalString)
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        }
        // All tests come from one address, and ask faster than people do.
        builder
            .CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("RateLimits__PerAddress__PermitsPerSecond", "100000")
            .WithEnvironment("RateLimits__PerAddress__Burst", "100000")
            .WithEnvironment("RateLimits__PerCustomer__PermitsPerSecond", "10000")
            .WithEnvironment("RateLimits__PerCustomer__Burst", "10000");
        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
            RunAsBuilt(service);
        configure?.Invoke(builder);
        var tokens = TokenIssuer.Development(
            builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"]!
        );

        var platform = new GoReliablePlatform(await builder.BuildAsync(timeout.Token), telemetry, pickup, tokens);
        try
        {
            await platform.app.StartAsync(timeout.Token);
            await platform.app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", timeout.Token);
            return platform;
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }
    }

    // `dotnet run` around it takes longer to find out that nothing is to be built than the service takes to start.
    private static void RunAsBuilt(ProjectResource service)
    {
        var project = service.GetProjectMetadata().ProjectPath;
        var folder = Path.GetDirectoryName(project)!;
        // As this project's own: bin/Debug/net10.0.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        service.Annotations.Add(
            new ExecutableAnnotation
            {
                Command = Path.Combine(
                    folder,
                    "bin",
                    output.Parent!.Name,
                    output.Name,
                    Path.GetFileNameWithoutExtension(project)
                ),
                WorkingDirectory = folder,
            }
        );
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
    /// Where a service with one replica takes requests, past the proxy that Aspire has in front of it.
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

    public async Task StopAsync(string resource) =>
        await CommandAsync(resource, KnownResourceCommands.StopCommand, KnownResourceStates.TerminalStates);

    public async Task StartAsync(string resource) =>
        await CommandAsync(resource, KnownResourceCommands.StartCommand, [KnownResourceStates.Running]);

    /// <summary>Stops it and starts it again, by one command.</summary>
    public async Task RestartAsync(string resource)
    {
        var before = ProcessId(resource);
        await CommandAsync(resource, KnownResourceCommands.RestartCommand, [KnownResourceStates.Running]);
        await Poll.UntilAsync(
            $"a new process of {resource}",
            () => Task.FromResult(ProcessId(resource)),
            now => now is not null && now != before
        );
    }

    /// <summary>What a resource has written until now.</summary>
    public async Task<IReadOnlyList<string>> LogAsync(string resource)
    {
        var lines = new List<string>();
        if (app.ResourceNotifications.TryGetCurrentState(resource, out var state))
        {
            await foreach (
                var batch in app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(state.ResourceId)
            )
                lines.AddRange(batch.Select(line => line.Content));
        }
        return lines;
    }

    /// <summary>Whether a resource is a process of this machine, and not inside a container.</summary>
    public bool IsProcess(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state) && Pid(state) is not null;

    /// <summary>
    /// The process that a resource is now, without what started it; null where it is none of this machine.
    /// </summary>
    public int? ProcessId(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state) && Pid(state) is { } pid
            ? ServerOf(Convert.ToInt32(pid, CultureInfo.InvariantCulture))
            : null;

    /// <summary>Whether a resource was stopped, killed, or ended by itself.</summary>
    public bool HasEnded(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state)
        && KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text);

    /// <summary>Ends a resource's process without a word (SIGKILL).</summary>
    public async Task KillAsync(string resource)
    {
        var running = await app
            .ResourceNotifications.WaitForResourceAsync(
                resource,
                change => Pid(change) is not null,
                TestContext.Current.CancellationToken
            )
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
        Kill(running);
        await app
            .ResourceNotifications.WaitForResourceAsync(
                resource,
                KnownResourceStates.TerminalStates,
                TestContext.Current.CancellationToken
            )
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
    }

    private static void Kill(ResourceEvent running)
    {
        using var process = Process.GetProcessById(
            ServerOf(Convert.ToInt32(Pid(running), CultureInfo.InvariantCulture))
        );
        process.Kill();
    }

    // A server is the child of its script (which may have started a companion before it).
    private static int ServerOf(int pid)
    {
        var children = File.ReadAllText($"/proc/{pid}/task/{pid}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return children.Length == 0 ? pid : int.Parse(children[^1], CultureInfo.InvariantCulture);
    }

    private static object? Pid(ResourceEvent change) =>
        change.Snapshot.State?.Text == KnownResourceStates.Running
            ? change.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value
            : null;

    public Task WaitUntilHealthyAsync(string resource) =>
        app
            .ResourceNotifications.WaitForResourceHealthyAsync(resource, TestContext.Current.CancellationToken)
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);

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

    private async Task CommandAsync(string resource, string command, IReadOnlyList<string> states)
    {
        var model = app.Services.GetRequiredService<DistributedApplicationModel>();
        var result = await app.ResourceCommands.ExecuteCommandAsync(
            model.Resources.Single(r => r.Name == resource),
            command,
            TestContext.Current.CancellationToken
        );
        Assert.True(result.Success, $"{command} {resource}: {result.Message}");
        await app
            .ResourceNotifications.WaitForResourceAsync(resource, states, TestContext.Current.CancellationToken)
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
    }
}
