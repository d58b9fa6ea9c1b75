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
    private const string Block = """
        CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(20261127); RETURN new; END';
        CREATE TRIGGER wait_for_the_test BEFORE INSERT ON orders FOR EACH ROW
            WHEN (new.customer_id = 'held-back') EXECUTE FUNCTION wait_for_the_test()
        """;

    private const string Unblock = "DROP TRIGGER wait_for_the_test ON orders; DROP FUNCTION wait_for_the_test()";

    private const string Waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";

    // With an Idempotency-Key it is the row of the key that comes first.
    [Fact]
    public async Task An_order_that_is_not_written_yet_has_no_id_in_the_outbox()
    {
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        using var customer = shared.Platform.Client("held-back");
        await database.RunAsync(Block);
        try
        {
            Task<Guid> order;
            long before;
            await using (await OpenTransaction.BeginAsync(database, "SELECT pg_advisory_xact_lock(20261127)"))
            {
                before = await LastIdAsync(database);
                order = customer.CreateAsync();
                await Poll.UntilAsync(
                    "an order that waits",
                    () => database.ScalarAsync<long>(Waiting),
                    waiting => waiting == 1
                );

                Assert.Equal(before, await LastIdAsync(database));
            }
            await order;
            Assert.Equal(before + 1, await LastIdAsync(database));
        }
        finally
        {
            await database.RunAsync(Unblock);
        }
    }

    private static Task<long> LastIdAsync(NpgsqlDataSource database) =>
        database.ScalarAsync<long>("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_id_seq");
}
