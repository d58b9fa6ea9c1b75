using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>A platform whose services reach database and broker by wires that can be broken.</summary>
public sealed partial class FaultyPlatform : IAsyncLifetime
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

    /// <summary>
    /// Sends orders at the pace of the platform, so that new processes finish compiling before the load starts.
    /// </summary>
    internal async Task WarmUpAsync()
    {
        using var client = Platform.Client("warm-up");
        await Parallel.ForAsync(
            0,
            300,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = 4,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (_, _) => await client.CreateAsync()
        );
    }

    /// <summary>Gives the services a clock that a test can move, or the machine's own again.</summary>
    internal async Task MakeClockMovableAsync(bool movable)
    {
        Clock.IsOn = movable;
        await Task.WhenAll(Services.Except(["gateway"]).Select(RestartAsync));
        await WarmUpAsync();

        async Task RestartAsync(string service)
        {
            await Platform.StopAsync(service);
            await Platform.StartAsync(service);
            await UntilReadyAsync(service);
        }
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
        await Poll.UntilAsync(
            $"{service} ready",
            async () =>
            {
                using var answer = await management.GetAsync("/health/ready", TestContext.Current.CancellationToken);
                return (
                    answer.IsSuccessStatusCode,
                    Says: await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
                );
            },
            ready => ready.IsSuccessStatusCode,
            TimeSpan.FromMinutes(2)
        );
    }

    /// <summary>
    /// Runs a test. If it fails, the state of the platform is reported, and the others get a new platform.
    /// </summary>
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

    /// <summary>
    /// Injects a fault under load, repairs it, and asserts that nothing is lost and nothing is duplicated.
    /// </summary>
    /// <returns>What was found, for what the caller wants to assert besides.</returns>
    internal Task<(Ledger Ledger, FaultWindow Window)> SurviveAsync(Fault fault, string customers) =>
        RunAsync(() => EndureAsync(fault, customers));

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
        await load.AcceptMoreAsync(100);
        var recovered = Stopwatch.GetTimestamp();
        await load.OfferMoreAsync(50);
        await load.StopAsync();

        var ledger = await Ledger.CloseAsync(this, load);
        var window = FaultWindow.Of(load, broken, recovered);
        TestContext.Current.TestOutputHelper?.WriteLine(ledger.Describe(fault.Name, window));
        ledger.AssertNothingLost(fault);
        Assert.True(
            window.OfferedRate >= Load.PromisedRate,
            $"Only {window.OfferedRate:0} orders a second were offered during the fault."
        );
        return (ledger, window);
    }
}
