using System.Diagnostics;
using System.Net;
using Npgsql;

namespace GoReliable.Bench.Comparison;

/// <summary>The three services, with the settings that they are deployed with.</summary>
internal sealed partial class Product : IAsyncDisposable
{
    private static readonly string[] Services = ["orders", "notifications", "gateway"];

    // For all that one run can leave behind.
    private static readonly TimeSpan LongestBacklog = TimeSpan.FromMinutes(10);

    private readonly Plan plan;
    private readonly Workspace workspace;
    private readonly Servers servers;
    private readonly Tokens tokens = new();
    private readonly Dictionary<string, (int Http, int Management)> ports = Services.ToDictionary(
        service => service,
        _ => (Workspace.FreePort(), Workspace.FreePort())
    );
    private readonly Dictionary<string, TiedProcess> processes = [];
    private readonly Dictionary<string, NpgsqlDataSource> databases = [];
    private readonly Collector collector;

    private Product(Plan plan, Workspace workspace, Servers servers, Collector collector) =>
        (this.plan, this.workspace, this.servers, this.collector) = (plan, workspace, servers, collector);

    public Target Target { get; private set; } = null!;

    /// <summary>How long each service took from its start to its first "ready".</summary>
    public Dictionary<string, TimeSpan> Ready { get; } = [];

    /// <summary>From the start of all three to the first order that was taken.</summary>
    public TimeSpan FirstOrder { get; private set; }

    public static async Task<Product> StartAsync(Plan plan, Workspace workspace, Servers servers)
    {
        var product = new Product(plan, workspace, servers, await Collector.StartAsync(workspace.Ending));
        foreach (var service in new[] { "orders", "notifications" })
        {
            var database = await servers.CreateDatabaseAsync($"{service}-db", workspace.Ending);
            product.databases[service] = NpgsqlDataSource.Create(database);
        }
        // As deployed: the schema comes first, in a process of its own.
        foreach (var service in new[] { "orders", "notifications" })
            await workspace.RunAsync(
                $"{service}-migrate",
                [.. product.Command(service), "migrate"],
                product.Settings(service)
            );
        await product.StartServicesAsync();
        return product;
    }

    /// <summary>When each of these orders was notified after it was due, in milliseconds, the shortest first.</summary>
    /// <exception cref="BenchmarkException">Not each of them has one notification.</exception>
    public async Task<double[]> NotifiedAsync(IReadOnlyCollection<PlacedOrder> orders)
    {
        var due = orders.ToDictionary(order => order.Id, order => order.Due);
        await using var select = databases["notifications"]
            .CreateCommand("SELECT order_id, sent_at FROM notifications WHERE order_id = ANY($1)");
        select.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. due.Keys] });
        var took = new List<double>();
        await using var row = await select.ExecuteReaderAsync(workspace.Ending);
        while (await row.ReadAsync(workspace.Ending))
        {
            if (due.Remove(row.GetGuid(0), out var moment))
                took.Add((row.GetDateTime(1) - moment).TotalMilliseconds);
            else
                throw new BenchmarkException("An order has two notifications.");
        }
        if (due.Count > 0)
            throw new BenchmarkException($"{due.Count} orders have no notification.");
        took.Sort();
        return [.. took];
    }

    /// <summary>Ends the services, so that what comes next has the machine for itself.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(processes.Values.Select(process => process.StopAsync()));
        foreach (var customer in Target?.Customers ?? [])
            customer.Dispose();
        foreach (var database in databases.Values)
            await database.DisposeAsync();
        await collector.DisposeAsync();
    }

    private async Task StartServicesAsync()
    {
        var clock = Stopwatch.StartNew();
        foreach (var service in Services)
            processes[service] = workspace.Start(service, stopSignal: "KILL", Command(service), Settings(service));
        using var client = new HttpClient();
        await Task.WhenAll(
            Services.Select(async service =>
            {
                var ready = new Uri($"http://127.0.0.1:{ports[service].Management}/health/ready");
                await Servers.WaitUntilAsync(
                    $"The service {service}",
                    () => Servers.AnswersAsync(client, ready, HttpStatusCode.OK),
                    workspace.Ending
                );
                Ready[service] = clock.Elapsed;
            })
        );

        Target = new Target(
            "GoReliable",
            [
                .. Enumerable
                    .Range(0, plan.Connections)
                    .Select(number => new Customer(
                        ports["gateway"].Http,
                        tokens.Issue($"customer-{number}"),
                        hasKeys: !plan.Without.Contains("idempotency")
                    )),
            ],
            [.. Services.Select(service => new Watched(service, processes[service].Id))],
            [servers.Postgres, servers.RabbitMq],
            WaitUntilIdleAsync
        );
        bool TakesOrders() => Customer.IsGood(Target.Customers[0].Create(DateTime.UtcNow, withAddress: false));
        await Servers.WaitUntilAsync("The platform", () => Task.FromResult(TakesOrders()), workspace.Ending);
        FirstOrder = clock.Elapsed;
    }

    // No order waits in the outbox any more, and each has been handled.
    private async Task WaitUntilIdleAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(workspace.Ending);
        patience.CancelAfter(LongestBacklog);
        long Orders() => Target.Customers.Sum(customer => customer.Orders.Count);
        try
        {
            while (
                await CountAsync("orders", "SELECT count(*) FROM (SELECT FROM outbox LIMIT 1) AS one", patience.Token)
                    > 0
                || await CountAsync("notifications", "SELECT count(*) FROM inbox", patience.Token) < Orders()
            )
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!workspace.Ending.IsCancellationRequested)
        {
            throw new BenchmarkException(
                $"Not all of {Orders()} orders have been handled after {LongestBacklog.TotalMinutes} minutes."
            );
        }
    }

    private async Task<long> CountAsync(string service, string sql, CancellationToken cancellationToken)
    {
        await using var count = databases[service].CreateCommand(sql);
        return (long)(await count.ExecuteScalarAsync(cancellationToken))!;
    }

    private string[] Command(string service) =>
        ["dotnet", Path.Combine(plan.Published, Folder(service), $"GoReliable.{Folder(service)}.dll")];
}
