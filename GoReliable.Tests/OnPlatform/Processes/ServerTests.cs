using System.Globalization;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>
/// PostgreSQL and RabbitMQ as processes, handled as Aspire's dashboard handles them: by resource and command.
/// </summary>
[Collection(RestartablePlatform.Name)]
public sealed class ServerTests(RestartablePlatform fixture) : IAsyncDisposable
{
    private GoReliablePlatform Platform => fixture.Platform;

    // A server that was killed is shown as healthy for a moment more.
    public async ValueTask DisposeAsync()
    {
        using var ada = Platform.Client("ada");
        await Poll.UntilAsync("a platform that takes orders", () => ada.CreateAsync(), _ => true);
    }

    [Theory]
    [InlineData("postgres", "orders-db")]
    [InlineData("messaging", "messaging")]
    public async Task A_server_that_dies_says_its_last_lines_and_starts_again_at_its_address_with_its_data(
        string server,
        string connection
    )
    {
        SkipContainers();
        using var ada = Platform.Client("ada");
        var order = await Poll.UntilAsync("an order", () => ada.CreateAsync(), _ => true);
        var address = await Platform.ConnectionStringAsync(connection);

        await Platform.KillAsync(server);
        Assert.NotEmpty(await Platform.LogAsync(server));
        await Platform.StartAsync(server);

        Assert.Equal(address, await Platform.ConnectionStringAsync(connection));
        await Poll.UntilAsync("the order from before", () => ada.OrderAsync(order), found => found.Id == order);
        await ada.WaitForNotificationsAsync(await Poll.UntilAsync("a new order", () => ada.CreateAsync(), _ => true));
    }

    [Fact]
    public async Task Databases_are_in_the_state_of_their_server()
    {
        SkipContainers();

        await Platform.StopAsync("postgres");
        await WaitAsync("has ended", isEnded: true);
        await Platform.StartAsync("postgres");

        // Aspire does not wait for a resource that has ended.
        await WaitAsync("starts", isEnded: false);
        await Platform.WaitUntilHealthyAsync("orders-db");
        await Platform.WaitUntilHealthyAsync("notifications-db");

        async Task WaitAsync(string what, bool isEnded)
        {
            foreach (var database in new[] { "orders-db", "notifications-db" })
                await Poll.UntilAsync(
                    $"{database} that {what}",
                    () => Task.FromResult(Platform.HasEnded(database)),
                    ended => ended == isEnded
                );
        }
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
}
