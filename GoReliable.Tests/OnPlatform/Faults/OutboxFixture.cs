using System.Net;
using System.Net.Http.Json;
using GoReliable.Messaging;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Fills the outbox of a platform with rows that no customer could bring about.</summary>
/// <param name="restartable">The platform.</param>
public sealed class OutboxFixture(RestartablePlatform restartable) : IAsyncLifetime
{
    private const string Insert = """
        INSERT INTO outbox (event_id, order_id, type, body, created_at) VALUES ($1, $2, $3, $4, now())
        """;

    public GoReliablePlatform Platform => restartable.Platform;

    public NpgsqlDataSource Database { get; private set; } = null!;

    /// <summary>The management port of Orders, for its operator.</summary>
    public HttpClient Operator { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Database = await Platform.DatabaseAsync("orders-db");
        Operator = Platform.Management("orders");
        Operator.DefaultRequestHeaders.Authorization = Platform.Tokens.Bearer("olga", Scopes.NotificationsOperate);
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        await Database.DisposeAsync();
    }

    /// <summary>Commits a row of the outbox.</summary>
    /// <param name="order">Whose event it is.</param>
    /// <param name="type">Its routing key.</param>
    /// <param name="body">A valid event, if not given.</param>
    /// <returns>The event's id.</returns>
    internal async Task<Guid> InsertAsync(Guid order, string type = "order.created", byte[]? body = null)
    {
        var @event = Guid.CreateVersion7();
        var now = DateTime.UtcNow;
        var content = new Order(
            order,
            OrderStatus.Pending,
            "EUR",
            [new OrderItem("a", 1, 1)],
            1,
            ContactEmail: null,
            now,
            now,
            Version: 1
        );
        await Database.RunAsync(Insert, @event, order, type, body ?? OrderEvent.Serialize(@event, content, "somebody"));
        return @event;
    }

    /// <summary>Rows of types that are like this.</summary>
    internal Task<long> CountAsync(string types) =>
        ScalarAsync($"SELECT count(*) FROM outbox WHERE type LIKE '{types}'");

    internal Task<long> ScalarAsync(string sql) => Database.ScalarAsync<long>(sql);

    /// <summary>Waits until the next event of an order waits for an operator.</summary>
    internal Task UntilSetAsideAsync(Guid order) =>
        Poll.UntilAsync(
            $"order {order} set aside",
            async () =>
                (
                    await Operator.GetAsync($"/outbox/set-aside/{order}", TestContext.Current.CancellationToken)
                ).StatusCode,
            status => status == HttpStatusCode.OK
        );

    internal async Task<double> GaugeAsync(string name) =>
        (await Exposition.ScrapeAsync(Operator)).Sum($"goreliable_order_service_{name}");

    /// <summary>A queue on the exchange of orders, until it is disposed of.</summary>
    internal async Task<BoundQueue> BindAsync(string queue, string routingKey, int? mostMessages = null)
    {
        var connection = await Platform.BrokerAsync();
        var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        var arguments = new Dictionary<string, object?>();
        if (mostMessages is { } most)
            (arguments["x-max-length"], arguments["x-overflow"]) = (most, "reject-publish");
        await channel.QueueDeclareAsync(
            queue,
            durable: false,
            exclusive: true,
            autoDelete: true,
            arguments,
            cancellationToken: TestContext.Current.CancellationToken
        );
        await channel.QueueBindAsync(
            queue,
            OrderTopology.Exchange,
            routingKey,
            cancellationToken: TestContext.Current.CancellationToken
        );
        return new BoundQueue(connection, channel);
    }

    internal sealed record BoundQueue(IConnection Connection, IChannel Channel) : IAsyncDisposable
    {
        // It is exclusive: it goes with its connection.
        public ValueTask DisposeAsync() => Connection.DisposeAsync();
    }

    internal Task<HttpResponseMessage> RedriveAsync(object request) =>
        Operator.PostAsJsonAsync("/outbox/set-aside/redrive", request, TestContext.Current.CancellationToken);
}
