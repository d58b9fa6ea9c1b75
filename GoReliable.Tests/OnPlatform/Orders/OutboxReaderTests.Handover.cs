using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>
/// When a transaction has ended, its row is seen by the next read, not by the last one. So the start position may
/// only move together with a read. Otherwise a later event of the same order would be published first.
/// </summary>
public sealed partial class OutboxReaderTests
{
    // In a transaction that has its number before its row has an id, as those of Orders do.
    private const string NumberedRow = $"SELECT pg_current_xact_id(); {Rows}";

    [Fact]
    public async Task A_row_that_is_committed_before_the_end_of_a_drain_is_read_by_the_next_one()
    {
        await MoveOnAsync();

        await using var late = await OpenTransaction.BeginAsync(database.Source, NumberedRow);
        var id = await LastIdAsync();
        await database.ExecuteAsync(Rows);
        var first = (await reader.TryBeginAsync(limit: 1))!;
        await database.ExecuteAsync(Rows);
        var second = await reader.ContinueAsync(Confirmed(first), limit: 1);
        await late.CommitAsync();
        await reader.EndAsync(Confirmed(second));

        Assert.Equal([id], (await reader.TryBeginAsync())!.Select(message => message.Id));
    }

    [Fact]
    public async Task A_row_that_is_committed_while_another_relay_is_active_is_read_when_that_one_is_gone()
    {
        await MoveOnAsync();

        await using var late = await OpenTransaction.BeginAsync(database.Source, NumberedRow);
        var id = await LastIdAsync();
        await database.ExecuteAsync(Rows);
        Assert.Single(await DrainAsync());
        await late.CommitAsync();

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
}
