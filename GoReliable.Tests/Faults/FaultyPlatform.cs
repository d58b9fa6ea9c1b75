using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.Faults;

/// <summary>A platform whose services reach database and broker by wires that can be broken.</summary>
public sealed class FaultyPlatform : IAsyncLifetime
{
    internal static readonly string[] Services = ["notifications", "orders", "gateway"];

    internal TcpProxy OrdersToDatabase { get; } = new();

    internal TcpProxy OrdersToBroker { get; } = new();

    internal TcpProxy NotificationsToDatabase { get; } = new();

    internal TcpProxy NotificationsToBroker { get; } = new();

    internal MailServer Mail { get; } = new();

    internal SkewedClock Clock { get; } = new();

    /// <summary>When the last fault began, on the clock of this machine.</summary>
    internal DateTimeOffset BrokenAt { get; private set; }

    /// <summary>The platform, healthy.</summary>
    public GoReliablePlatform Platform { get; private set; } = null!;

    private TcpProxy[] Wires => [OrdersToDatabase, OrdersToBroker, NotificationsToDatabase, NotificationsToBroker];

    public ValueTask InitializeAsync() => new(StartAsync());

    private async Task StartAsync()
    {
        Platform = await GoReliablePlatform.StartAsync(configure: Configure);
        await Tap.OpenAsync(Platform);
        await WarmUpAsync();
    }

    /// <summary>Lets new processes compile what they need, at their own speed: customers who do not wait come later.</summary>
    internal async Task WarmUpAsync()
    {
        using var client = Platform.Client("warm-up");
        await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, async (_, _) => await client.CreateAsync());
    }

    /// <summary>Gives the services a clock that a test can move, or the machine's own again.</summary>
    internal async Task MakeClockMovableAsync(bool movable)
    {
        Clock.IsOn = movable;
        foreach (var service in Services.Except(["gateway"]))
        {
            await Platform.StopAsync(service);
            await Platform.StartAsync(service);
            await UntilReadyAsync(service);
        }
        await WarmUpAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        foreach (var wire in Wires)
            await wire.DisposeAsync();
        await Mail.DisposeAsync();
        Clock.Dispose();
    }

    /// <summary>Asks the service itself: the AppHost looks every now and then only.</summary>
    internal async Task UntilReadyAsync(string service)
    {
        using var management = Platform.Management(service);
        await Eventually.SeeAsync($"{service} ready", async () =>
        {
            using var answer = await management.GetAsync("/health/ready", TestContext.Current.CancellationToken);
            return (answer.IsSuccessStatusCode, Says: await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }, ready => ready.IsSuccessStatusCode, TimeSpan.FromMinutes(2));
    }

    /// <summary>Runs a test. One that fails says how it left the platform, and leaves a new one to the others.</summary>
    internal async Task<T> RunAsync<T>(Func<Task<T>> test)
    {
        try
        {
            return await test();
        }
        catch
        {
            await FailureReport.WriteAsync(Platform);
            await RenewAsync();
            throw;
        }
    }

    private async Task RenewAsync()
    {
        Clock.IsOn = false;
        Clock.Set(TimeSpan.Zero);
        await Platform.DisposeAsync();
        foreach (var wire in Wires)
            wire.Resume();
        await StartAsync();
    }

    /// <summary>Breaks something under load, repairs it, and asserts that nothing is lost and nothing there twice.</summary>
    /// <returns>What was found, for what the caller wants to assert besides.</returns>
    internal Task<(Ledger Ledger, FaultWindow Window)> SurviveAsync(Fault fault, string customers) => RunAsync(() => EndureAsync(fault, customers));

    /// <summary>The same, for a test that runs by <see cref="RunAsync"/> as a whole.</summary>
    internal async Task<(Ledger Ledger, FaultWindow Window)> EndureAsync(Fault fault, string customers)
    {
        await using var load = Load.Start(Platform, customers);
        await load.AcceptMoreAsync(100);
        var broken = Stopwatch.GetTimestamp();
        BrokenAt = DateTimeOffset.UtcNow;
        await fault.BreakAsync(this);
        await load.OfferMoreAsync(fault.Hold);
        await fault.SeeAsync(this);
        await fault.RepairAsync(this);
        await load.AcceptMoreAsync(200);
        var recovered = Stopwatch.GetTimestamp();
        await load.OfferMoreAsync(100);
        await load.StopAsync();

        var ledger = await Ledger.CloseAsync(this, load);
        var window = FaultWindow.Of(load, broken, recovered);
        TestContext.Current.TestOutputHelper?.WriteLine(ledger.Describe(fault.Name, window));
        ledger.AssertNothingLost(fault);
        Assert.True(window.OfferedRate >= Load.PromisedRate, $"Only {window.OfferedRate:0} orders a second were offered during the fault.");
        return (ledger, window);
    }

    private void Configure(IDistributedApplicationTestingBuilder builder)
    {
        var orders = builder.CreateResourceBuilder<ProjectResource>("orders");
        var notifications = builder.CreateResourceBuilder<ProjectResource>("notifications");
        Database(orders, "orders-db", OrdersToDatabase);
        Database(notifications, "notifications-db", NotificationsToDatabase);
        Broker(orders, OrdersToBroker);
        Broker(notifications, NotificationsToBroker);

        notifications
            .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
            .WithEnvironment("Email__Smtp__Port", Mail.Port.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("Email__Smtp__Security", "None");
        Clock.Rule(orders);
        Clock.Rule(notifications);

        // At this load, telling of each order and of each refused one would cost this process more than the load itself.
        foreach (var service in Services)
        {
            builder.CreateResourceBuilder<ProjectResource>(service)
                .WithEnvironment("Logging__LogLevel__Default", "Critical")
                .WithEnvironment("Logging__LogLevel__GoReliable.Orders.Outbox.OutboxRelay", "Warning")
                .WithEnvironment("Logging__LogLevel__GoReliable.Notifications", "Warning")
                .WithEnvironment("OTEL_TRACES_SAMPLER", "parentbased_traceidratio").WithEnvironment("OTEL_TRACES_SAMPLER_ARG", "0.01");
        }

        // All of the load comes from one address, and it is a fault that is tested.
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("RateLimits__PerAddress__PermitsPerSecond", "100000").WithEnvironment("RateLimits__PerAddress__Burst", "100000")
            .WithEnvironment("RateLimits__PerCustomer__PermitsPerSecond", "10000").WithEnvironment("RateLimits__PerCustomer__Burst", "10000");
    }

    private static void Database(IResourceBuilder<ProjectResource> service, string name, TcpProxy wire) => Through(service, name, direct =>
    {
        var connection = new NpgsqlConnectionStringBuilder(direct);
        wire.Target = new DnsEndPoint(connection.Host!, connection.Port, AddressFamily.InterNetwork);
        (connection.Host, connection.Port) = (IPAddress.Loopback.ToString(), wire.Port);
        return connection.ConnectionString;
    });

    private static void Broker(IResourceBuilder<ProjectResource> service, TcpProxy wire) => Through(service, "messaging", direct =>
    {
        var connection = new UriBuilder(direct);
        wire.Target = new DnsEndPoint(connection.Host, connection.Port, AddressFamily.InterNetwork);
        (connection.Host, connection.Port) = (IPAddress.Loopback.ToString(), wire.Port);
        return connection.Uri.AbsoluteUri.TrimEnd('/');
    });

    // After the AppHost's own references, and at each start.
    private static void Through(IResourceBuilder<ProjectResource> service, string name, Func<string, string> wire) => service.WithEnvironment(async context =>
    {
        var variable = $"ConnectionStrings__{name}";
        var direct = await ((IValueProvider)context.EnvironmentVariables[variable]).GetValueAsync(context.CancellationToken);
        context.EnvironmentVariables[variable] = wire(direct!);
    });
}
