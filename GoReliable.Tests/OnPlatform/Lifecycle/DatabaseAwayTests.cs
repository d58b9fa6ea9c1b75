using System.Diagnostics.Metrics;
using System.Reflection;
using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>Nobody listens where the database should be, for an hour that passes quickly; then somebody does.</summary>
[Collection(ServersOnly.Name)]
public sealed class DatabaseAwayTests(ServersOnly shared)
{
    private const int Hour = 3600;

    private readonly QuickTime time = new(pause: TimeSpan.FromSeconds(1));
    private readonly int port = ServiceProcess.FreePort();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Background_work_survives_an_hour_without_the_database_and_logs_it_once()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var away = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = port,
        }.ConnectionString;
        var builder = new NpgsqlDataSourceBuilder(away);
        DatabaseDefaults.Configure(builder, "orders-db");
        await using var source = builder.Build();

        var schemaEvents = new LoggedEvents<SchemaUpgrade>();
        using var schema = new SchemaUpgrade(typeof(OutboxRelay).Assembly, source, schemaEvents, time);
        await schema.StartAsync(Cancel);
        await WaitAnHourAsync();
        Assert.Equal($"Failed to connect to 127.0.0.1:{port}", schema.NotReadyBecause);
        Assert.False(schema.WaitAsync(Cancel).IsCompleted);
        await using (new TcpProxy(port, new(server.Host!, server.Port)))
            await schema.WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Null(schema.NotReadyBecause);
        Assert.Equal(["schema.unavailable", "schema.upgraded"], schemaEvents.Names);

        // It is away again before the relay has seen it.
        var relayEvents = new LoggedEvents<OutboxRelay>();
        using var relay = Relay(away, schema, relayEvents);
        await relay.StartAsync(Cancel);
        await WaitAnHourAsync();
        await using (new TcpProxy(port, new(server.Host!, server.Port)))
        {
            await Poll.UntilAsync(
                "a relay at work",
                () =>
                    database.ScalarAsync<long>(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                            + "AND query LIKE '-- unlock outbox%'"
                    ),
                count => count > 0
            );
            Assert.Equal(["outbox.relay_interrupted"], relayEvents.Names);
            await relay.StopAsync(Cancel);
        }
    }

    private async Task WaitAnHourAsync()
    {
        var before = time.Pauses;
        await Poll.UntilAsync(
            "an hour of pauses",
            () => Task.FromResult(time.Pauses - before),
            pauses => pauses >= Hour
        );
        // The one that is over and the one that begins.
        Assert.InRange(time.Alive, 0, 2);
    }

    private OutboxRelay Relay(string database, SchemaUpgrade schema, LoggedEvents<OutboxRelay> events)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:orders-db", database)])
            .Build();
        var services = new ServiceCollection()
            .AddMetrics()
            .AddSingleton(DispatchProxy.Create<IConnectionFactory, Willing>())
            .BuildServiceProvider();
        var telemetry = new Telemetry(services.GetRequiredService<IMeterFactory>());
        return new OutboxRelay(
            configuration,
            new Broker(services, NullLogger<Broker>.Instance, time),
            schema,
            new OutboxSignal(),
            new ChaosSwitches(),
            telemetry,
            events,
            time
        );
    }

    /// <summary>A broker that agrees to everything. Public and not sealed, as a proxy must be.</summary>
    public class Willing : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name switch
            {
                nameof(IConnectionFactory.CreateConnectionAsync) => Task.FromResult(Create<IConnection, Willing>()),
                $"get_{nameof(IConnection.IsOpen)}" => true,
                $"get_{nameof(IConnection.Endpoint)}" => new AmqpTcpEndpoint(),
                nameof(IConnection.CreateChannelAsync) => Task.FromResult(Create<IChannel, Willing>()),
                nameof(IChannel.QueueDeclareAsync) => Task.FromResult(new QueueDeclareOk("", 0, 0)),
                nameof(IChannel.ExchangeDeclareAsync) or nameof(IChannel.QueueBindAsync) => Task.CompletedTask,
                nameof(IAsyncDisposable.DisposeAsync) => ValueTask.CompletedTask,
                var name when name.StartsWith("add_", StringComparison.Ordinal) => null,
                _ => throw new NotSupportedException(targetMethod.Name),
            };
    }
}
