using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>
/// When a transaction has ended, its row is seen by the next read, not by the last one. So the start position may
/// only move together with a read. Otherwise a later event of the same order would be published first.
/// </summary>
public sealed partial class OutboxReaderTests
{
    [Fact]
    public async Task A_row_that_is_committed_before_the_end_of_a_drain_is_read_by_the_next_one()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var reader = await OpenAsync(source);
        await MoveOnAsync(database, reader);

        await using var late = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await late.BeginTransactionAsync(Cancel);
        var id = await InsertAsync(transaction);
        await InsertAsync(database.Source.CreateCommand(Rows));
        var first = (await reader.TryBeginAsync(limit: 1))!;
        await InsertAsync(database.Source.CreateCommand(Rows));
        var second = await reader.ContinueAsync(Confirmed(first), limit: 1);
        await transaction.CommitAsync(Cancel);
        await reader.EndAsync(Confirmed(second));

        Assert.Equal([id], (await reader.TryBeginAsync())!.Select(message => message.Id));
    }

    [Fact]
    public async Task A_row_that_is_committed_while_another_relay_is_active_is_read_when_that_one_is_gone()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var reader = await OpenAsync(source);
        await MoveOnAsync(database, reader);

        await using var late = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await late.BeginTransactionAsync(Cancel);
        var id = await InsertAsync(transaction);
        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Single(await DrainAsync(reader));
        await transaction.CommitAsync(Cancel);

        var other = await OpenAsync(source);
        Assert.Equal([id], (await other.TryBeginAsync())!.Select(message => message.Id));
        Assert.Null(await reader.TryBeginAsync());
        // As if its process were killed before it published the row.
        await other.DisposeAsync();

        Assert.Equal(
            [id],
            (await Poll.UntilAsync("the lock", () => reader.TryBeginAsync(), read => read is not null))!.Select(
                message => message.Id
            )
        );
    }

    // A row with an id that is not committed yet, in a transaction that has its number already, as those of Orders do.
    private static async Task<long> InsertAsync(NpgsqlTransaction transaction)
    {
        await InsertAsync(new NpgsqlCommand("SELECT pg_current_xact_id()", transaction.Connection, transaction));
        await InsertAsync(new NpgsqlCommand(Rows, transaction.Connection, transaction));
        await using var id = new NpgsqlCommand("SELECT currval('outbox_id_seq')", transaction.Connection, transaction);
        return (long)(await id.ExecuteScalarAsync(Cancel))!;
    }
}
