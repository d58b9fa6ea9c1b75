using System.Globalization;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>
/// PostgreSQL and RabbitMQ as processes, handled as Aspire's dashboard handles them: by resource and command.
/// </summary>
[Collection(RestartablePlatform.Name)]
public sealed class ServerTests(RestartablePlatform fixture) : IAsyncLifetime
{
    private GoReliablePlatform Platform => fixture.Platform;

    // A server that was killed is shown as healthy for a moment more.
    public async ValueTask InitializeAsync()
    {
        using var ada = Platform.Client("ada");
        await Poll.UntilAsync("a platform that takes orders", () => ada.CreateAsync(), _ => true);
    }

    public async ValueTask DisposeAsync() => await InitializeAsync();

    [Theory]
    [InlineData("postgres")]
    [InlineData("messaging")]
    public async Task A_restart_keeps_the_address_and_the_data(string server)
    {
        SkipContainers();
        using var ada = Platform.Client("ada");
        var order = await ada.CreateAsync();
        var (address, process) = (
            await Platform.ConnectionStringAsync(ConnectionOf(server)),
            Platform.ProcessId(server)
        );

        await Platform.RestartAsync(server);
        await Platform.WaitUntilHealthyAsync(server);

        Assert.Equal(address, await Platform.ConnectionStringAsync(ConnectionOf(server)));
        Assert.NotEqual(process, Platform.ProcessId(server));
        await Poll.UntilAsync("the order after the restart", () => ada.OrderAsync(order), found => found.Id == order);
        await ada.NotificationsAsync(await Poll.UntilAsync("a new order", () => ada.CreateAsync(), _ => true));
    }

    [Fact]
    public async Task Databases_are_in_the_state_of_their_server()
    {
        SkipContainers();

        await Platform.StopAsync("postgres");
        await Poll.UntilAsync(
            "a database that has ended",
            () => Task.FromResult(Platform.HasEnded("orders-db")),
            ended => ended
        );
        await Platform.StartAsync("postgres");

        await Platform.WaitUntilHealthyAsync("orders-db");
        await Platform.WaitUntilHealthyAsync("notifications-db");
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("messaging")]
    public async Task A_server_that_dies_is_shown_as_ended_with_its_last_lines_and_starts_again(string server)
    {
        SkipContainers();

        await Platform.KillAsync(server);
        var lines = await Platform.LogAsync(server);
        await Platform.StartAsync(server);

        await Platform.WaitUntilHealthyAsync(server);
        Assert.NotEmpty(lines);
    }

    [Fact]
    public async Task PostgreSQL_requires_the_password()
    {
        SkipContainers();
        var wrong = new NpgsqlConnectionStringBuilder(await Platform.ConnectionStringAsync("orders-db"))
        {
            Password = "wrong",
            Pooling = false,
        };

        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            connection.OpenAsync(TestContext.Current.CancellationToken)
        );

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Theory]
    [InlineData("postgres", 1)]
    [InlineData("messaging", 3)]
    public void A_server_listens_on_the_loopback_interface_only(string server, int ports)
    {
        SkipContainers();

        var addresses = Listeners.Of(Platform.ProcessId(server)!.Value);

        Assert.True(addresses.Length >= ports, string.Join(' ', addresses));
        Assert.All(addresses, address => Assert.StartsWith("127.0.0.1:", address, StringComparison.Ordinal));
    }

    [Fact]
    public void PostgreSQL_does_not_run_as_root()
    {
        SkipContainers();
        var status = File.ReadAllLines($"/proc/{Platform.ProcessId("postgres")}/status");

        var user = int.Parse(
            status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1],
            CultureInfo.InvariantCulture
        );

        Assert.NotEqual(0, user);
    }

    private void SkipContainers() =>
        Assert.SkipUnless(Platform.IsProcess("postgres"), "Here PostgreSQL and RabbitMQ are containers.");

    private static string ConnectionOf(string server) => server == "postgres" ? "orders-db" : server;
}
