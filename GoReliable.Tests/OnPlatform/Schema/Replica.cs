using System.Reflection;
using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Notifications.Consuming;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What a replica of a service does with its database when it starts, without its process.</summary>
internal sealed class Replica : IAsyncDisposable
{
    public static readonly Assembly Orders = typeof(OutboxReader).Assembly;
    public static readonly Assembly Notifications = typeof(Inbox).Assembly;

    private readonly NpgsqlDataSource source;
    private readonly LoggedEvents<SchemaUpgrade> events = new();

    /// <param name="database">Connection string.</param>
    /// <param name="service">Whose scripts it runs: <see cref="Orders"/> or <see cref="Notifications"/>.</param>
    /// <param name="time">Measures its pauses.</param>
    public Replica(string database, Assembly service, TimeProvider? time = null)
    {
        var builder = new NpgsqlDataSourceBuilder(database);
        DatabaseDefaults.Configure(builder, "own-db");
        source = builder.Build();
        Schema = new SchemaUpgrade(service, source, events, time ?? TimeProvider.System);
    }

    public SchemaUpgrade Schema { get; }

    /// <summary>The names of the events that it logged.</summary>
    public string?[] Events => events.Names;

    /// <summary>Upgrades.</summary>
    public async Task UpgradeAsync() =>
        Assert.True(await Schema.UpgradeWithinAsync(TimeSpan.FromMinutes(2)), Schema.NotReadyBecause);

    public async ValueTask DisposeAsync()
    {
        Schema.Dispose();
        await source.DisposeAsync();
    }
}
