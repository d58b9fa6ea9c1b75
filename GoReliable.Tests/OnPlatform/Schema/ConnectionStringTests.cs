using GoReliable.Database;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What a connection string says holds; what it does not say is ours.</summary>
[Collection(ServersOnly.Name)]
public sealed class ConnectionStringTests(ServersOnly shared)
{
    private const string NoPooler =
        "The connection to PostgreSQL leads through a pooler that takes no start-up options. "
        + "Connect to PostgreSQL itself: services keep few connections, and the relay's lock needs a session.";

    [Fact]
    public async Task Settings_missing_from_the_connection_string_have_our_defaults()
    {
        await using var source = await SourceAsync("");

        Assert.Equal(
            ["\"$user\", public", "off", "1min", "orders-db"],
            await ShowAsync(source, "search_path", "jit", "idle_in_transaction_session_timeout", "application_name")
        );
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        Assert.Equal(
            (32, 2, 5, 32),
            (settings.MaxAutoPrepare, settings.AutoPrepareMinUsages, settings.CommandTimeout, settings.MaxPoolSize)
        );
    }

    [Fact]
    public async Task Settings_in_the_connection_string_win_and_other_options_are_our_defaults()
    {
        await using var source = await SourceAsync(
            "Options=-c search_path=shop -c jit=on;Application Name=shop;Max Auto Prepare=0;"
                + "Auto Prepare Min Usages=7;Timeout=3;Command Timeout=30;Maximum Pool Size=100"
        );

        Assert.Equal(
            ["shop", "on", "1min", "shop"],
            await ShowAsync(source, "search_path", "jit", "idle_in_transaction_session_timeout", "application_name")
        );
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        Assert.Equal(
            (0, 7, 3, 30, 100),
            (
                settings.MaxAutoPrepare,
                settings.AutoPrepareMinUsages,
                settings.Timeout,
                settings.CommandTimeout,
                settings.MaxPoolSize
            )
        );
    }

    [Fact]
    public async Task The_relay_follows_the_connection_string_as_well()
    {
        await using var source = OutboxDataSource.Create(
            await shared.Platform.ConnectionStringAsync("orders-db") + ";Options=-c search_path=shop"
        );

        Assert.Equal(
            ["shop", "off", "30s", "orders-db-relay"],
            await ShowAsync(source, "search_path", "enable_seqscan", "idle_session_timeout", "application_name")
        );
    }

    [Fact]
    public async Task Tables_are_made_in_the_schema_that_the_connection_string_names()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA shop");

        await using var replica = new Replica(
            $"{database.ConnectionString};Options=-c search_path=shop",
            Replica.Orders
        );
        await replica.UpgradeAsync();

        Assert.Equal(
            "shop",
            await database.ScalarAsync<string>(
                "SELECT table_schema::text FROM information_schema.tables WHERE table_name = 'orders'"
            )
        );
    }

    [Theory]
    [InlineData("08P01 unsupported startup parameter: options", " (unsupported startup parameter: options)")]
    [InlineData(
        "0A000 RDS Proxy currently doesn't support command-line options.",
        " (RDS Proxy currently doesn't support command-line options.)"
    )]
    [InlineData(null, "")]
    public async Task Behind_a_pooler_that_takes_no_options_a_service_says_what_it_needs(string? refusal, string answer)
    {
        var server = new NpgsqlConnectionStringBuilder(await shared.Platform.ConnectionStringAsync("orders-db"));
        using var pooler = new Pooler(server.Host!, server.Port, refusal);
        (server.Host, server.Port) = ("127.0.0.1", pooler.Port);
        await using var replica = new Replica(server.ConnectionString, Replica.Orders);

        await replica.Schema.StartAsync(TestContext.Current.CancellationToken);

        await Poll.UntilAsync(
            "what the service needs",
            () => Task.FromResult(replica.Schema.NotReadyBecause),
            reason => reason == NoPooler.Replace(". Connect", answer + ". Connect", StringComparison.Ordinal)
        );
        await replica.Schema.StopAsync(TestContext.Current.CancellationToken);
    }

    private async Task<NpgsqlDataSource> SourceAsync(string more)
    {
        var source = new NpgsqlDataSourceBuilder($"{await shared.Platform.ConnectionStringAsync("orders-db")};{more}");
        DatabaseDefaults.Configure(source, "orders-db");
        return source.Build();
    }

    private static async Task<List<string>> ShowAsync(NpgsqlDataSource source, params string[] names)
    {
        var values = new List<string>();
        foreach (var name in names)
            values.Add(await source.ScalarAsync<string>($"SHOW {name}"));
        return values;
    }
}
