using System.Net;

namespace GoReliable.Bench.Comparison;

/// <summary>The bare gateway and the bare service of <c>bench/Bare</c>.</summary>
internal sealed class Reference : IAsyncDisposable
{
    private readonly TiedProcess[] processes;

    private Reference(Target target, params TiedProcess[] processes) => (Target, this.processes) = (target, processes);

    public Target Target { get; }

    public static async Task<Reference> StartAsync(Plan plan, Workspace workspace, Servers servers)
    {
        var database = await servers.CreateDatabaseAsync("bare", workspace.Ending);
        var (gatewayPort, ordersPort) = (Workspace.FreePort(), Workspace.FreePort());
        TiedProcess Start(string name, int port, (string Name, string Value) setting) =>
            workspace.Start(
                name,
                stopSignal: "KILL",
                ["dotnet", Path.Combine(plan.Published, "Bare", "GoReliable.Bench.Bare.dll")],
                [.. Target.Environment(workspace, port), setting]
            );

        // Prepared statements, as the platform has them.
        var connection = $"{database};Max Auto Prepare=10;Auto Prepare Min Usages=2;Maximum Pool Size=32";
        var orders = Start("bare-orders", ordersPort, ("ConnectionStrings__orders-db", connection));
        var gateway = Start("bare-gateway", gatewayPort, ("Orders", $"http://127.0.0.1:{ordersPort}"));
        using var client = new HttpClient();
        // An order that does not exist: found out by the service, at the database.
        var nothing = new Uri($"http://127.0.0.1:{gatewayPort}/api/v1/orders/{Guid.Empty}");
        await Servers.WaitUntilAsync(
            "The reference",
            () => Servers.AnswersAsync(client, nothing, HttpStatusCode.NotFound),
            workspace.Ending
        );

        var target = new Target(
            "bare .NET",
            [
                .. Enumerable
                    .Range(0, plan.Connections)
                    .Select(_ => new Customer(gatewayPort, "nobody-looks-at-it", hasKeys: false)),
            ],
            [new Watched("gateway", gateway.Id), new Watched("orders", orders.Id)],
            [servers.Postgres],
            () => Task.CompletedTask
        );
        return new Reference(target, gateway, orders);
    }

    /// <summary>Ends it, so that what comes next has the machine for itself.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(processes.Select(process => process.StopAsync()));
        foreach (var customer in Target.Customers)
            customer.Dispose();
    }
}
