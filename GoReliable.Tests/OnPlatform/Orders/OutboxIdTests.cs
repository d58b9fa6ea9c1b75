using System.Net;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>
/// The relay relies on this: a transaction has its transaction id before its outbox row takes an id. Otherwise a row
/// could be committed behind the relay's position, and a later event of its order be published first.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class OutboxIdTests(SharedPlatform shared)
{
    private const long Held = 20_261_127;

    private const string Block = """
        CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(20261127); RETURN new; END';
        CREATE TRIGGER wait_for_the_test BEFORE INSERT ON orders FOR EACH ROW
            WHEN (new.customer_id = 'held-back') EXECUTE FUNCTION wait_for_the_test()
        """;

    private const string Unblock = "DROP TRIGGER wait_for_the_test ON orders; DROP FUNCTION wait_for_the_test()";

    // With an Idempotency-Key it is the row of the key that comes first.
    [Fact]
    public async Task An_order_that_is_not_written_yet_has_no_id_in_the_outbox()
    {
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using var session = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        using var customer = shared.Platform.Client("held-back");
        await ExecuteAsync(session, Block);
        try
        {
            await ExecuteAsync(session, $"SELECT pg_advisory_lock({Held})");
            var before = await LastIdAsync(database);
            var answer = customer.PostRawAsync(
                """{"currency":"EUR","items":[{"sku":"sku-1","quantity":1,"unitPrice":1}]}"""
            );
            await Poll.UntilAsync(
                "an order that waits",
                () =>
                    database.ScalarAsync<long>(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                    ),
                waiting => waiting == 1
            );

            Assert.Equal(before, await LastIdAsync(database));

            await ExecuteAsync(session, $"SELECT pg_advisory_unlock({Held})");
            Assert.Equal(HttpStatusCode.Created, (await answer).StatusCode);
            Assert.Equal(before + 1, await LastIdAsync(database));
        }
        finally
        {
            await ExecuteAsync(session, $"SELECT pg_advisory_unlock_all(); {Unblock}");
        }
    }

    private static Task<long> LastIdAsync(NpgsqlDataSource database) =>
        database.ScalarAsync<long>("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_id_seq");

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
