using System.Net;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// Commits must wait for a synchronous standby that does not exist. When a client cancels the wait, PostgreSQL
/// reports that the commit succeeded.
/// </summary>
[Collection(RestartablePlatform.Name)]
public sealed class MissingStandbyTests(RestartablePlatform restartable) : IAsyncDisposable
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    public async ValueTask DisposeAsync()
    {
        await using var database = await restartable.Platform.DatabaseAsync("orders-db");
        await RequireStandbyAsync(database, "''");
    }

    [Fact]
    public async Task What_no_standby_has_is_not_called_stored_however_often_a_client_asks()
    {
        using var customer = restartable.Platform.Client("no-standby");
        Guid[] orders = [await customer.CreateAsync(), await customer.CreateAsync()];
        await using var database = await restartable.Platform.DatabaseAsync("orders-db");
        await RequireStandbyAsync(database, "'nobody'");

        var unknown = customer.PostRawAsync(Body);
        // In the second round everything is already committed, but only on the primary.
        for (var i = 0; i < 2; i++)
            Assert.All(await RepeatableAsync(customer, orders), status => Assert.InRange((int)status, 503, 504));
        await (await unknown).AssertProblemAsync(HttpStatusCode.GatewayTimeout);

        await RequireStandbyAsync(database, "''");
        Assert.Equal(
            [HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.OK],
            await RepeatableAsync(customer, orders)
        );
    }

    private static async Task<HttpStatusCode[]> RepeatableAsync(HttpClient customer, Guid[] orders)
    {
        var answers = await Task.WhenAll(
            customer.PostRawAsync(Body, idempotencyKey: "created"),
            customer.ChangeStatusAsync(orders[0], "confirm"),
            customer.ChangeStatusAsync(orders[1], "confirm", idempotencyKey: "confirmed")
        );
        return [.. answers.Select(answer => answer.StatusCode)];
    }

    private static async Task RequireStandbyAsync(NpgsqlDataSource database, string names)
    {
        await ExecuteAsync(database, $"ALTER SYSTEM SET synchronous_standby_names = {names}");
        await ExecuteAsync(database, "SELECT pg_reload_conf()");
        await Poll.UntilAsync(
            $"commits that wait for {names}",
            () => ExecuteAsync(database, "SELECT FROM orders LIMIT 1 FOR KEY SHARE"),
            isWarned => isWarned == (names != "''")
        );
    }

    /// <returns>Whether there was a warning.</returns>
    private static async Task<bool> ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var connection = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var isWarned = false;
        connection.Notice += (_, _) => isWarned = true;
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 1 };
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return isWarned;
    }
}
