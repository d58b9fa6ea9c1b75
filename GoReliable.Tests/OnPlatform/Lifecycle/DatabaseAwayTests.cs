using GoReliable.Tests.OnPlatform.Schema;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>Nobody listens where the database should be, for an hour that passes quickly; then somebody does.</summary>
[Collection(ServersOnly.Name)]
public sealed class DatabaseAwayTests(ServersOnly shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // All other background work is RepeatedWork, which has tests of its own.
    [Fact]
    public async Task An_hour_without_the_database_is_logged_once_and_then_the_schema_is_upgraded()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var target = new System.Net.DnsEndPoint(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", ServiceProcess.FreePort());
        var time = new QuickTime();
        await using var replica = new Replica(server.ConnectionString, Replica.Orders, time);

        await replica.Schema.StartAsync(Cancel);
        await Poll.UntilAsync(
            "an hour of pauses of a second",
            () => Task.FromResult(time.Pauses),
            pauses => pauses >= 3600
        );
        Assert.Equal($"Failed to connect to 127.0.0.1:{server.Port}", replica.Schema.NotReadyBecause);
        Assert.False(replica.Schema.WaitAsync(Cancel).IsCompleted);
        await using var network = new TcpProxy(server.Port, target);
        await replica.Schema.WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);

        Assert.Null(replica.Schema.NotReadyBecause);
        Assert.Equal(["schema.unavailable", "schema.upgraded"], replica.Events);
    }
}
