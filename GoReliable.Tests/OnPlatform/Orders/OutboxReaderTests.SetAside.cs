using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>Orders that were set aside come back in order, and not slower than others.</summary>
public sealed partial class OutboxReaderTests
{
    [Fact]
    public async Task A_later_event_of_an_order_that_was_put_back_waits_for_the_one_that_failed()
    {
        var failed = await SetAsideAsync();
        await MoveOnAsync();
        var later = await LaterEventAsync(failed);
        Assert.InRange(reader.ReadAfter, failed, later);

        await PutBackAsync();
        Assert.Empty(await DrainAsync());
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([failed, later], await DrainAsync());
    }

    [Fact]
    public async Task A_later_event_of_an_order_whose_event_was_discarded_waits_for_the_ones_before_it()
    {
        var failed = await SetAsideAsync();
        var second = await LaterEventAsync(failed);
        await MoveOnAsync();
        var third = await LaterEventAsync(failed);
        Assert.InRange(reader.ReadAfter, second, third);

        var order = await database.ScalarAsync<Guid>($"SELECT order_id FROM outbox WHERE id = {failed}");
        var table = new SetAsideTable(database.Source, new OutboxSignal(), NullLogger<SetAsideTable>.Instance);
        Assert.True(await table.DiscardAsync(order, new OperatorId("operator"), Cancel));
        Assert.Empty(await DrainAsync());
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([second, third], await DrainAsync());
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM outbox_set_aside"));
    }

    [Fact]
    public async Task Orders_that_were_put_back_are_read_without_a_pause_between_two_batches()
    {
        long[] failed = [await SetAsideAsync(), await SetAsideAsync(), await SetAsideAsync()];
        await MoveOnAsync();
        Assert.InRange(reader.ReadAfter, failed[2], long.MaxValue);

        await PutBackAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        var first = (await reader.TryBeginAsync(limit: 1))!;
        var second = await reader.ContinueAsync(Confirmed(first), limit: 1);
        var third = await reader.ContinueAsync(Confirmed(second), limit: 1);

        Assert.Equal(failed, first.Concat(second).Concat(third).Select(message => message.Id));
    }

    // A row whose order waits for an operator.
    private Task<long> SetAsideAsync() =>
        database.ScalarAsync<long>(
            $"""
            WITH failed AS ({Rows} RETURNING id, order_id, event_id, type), aside AS (
                INSERT INTO outbox_set_aside (order_id, outbox_id, event_id, type, attempts, reason, failed_since)
                SELECT order_id, id, event_id, type, 5, '312 NO_ROUTE', now() FROM failed
            )
            SELECT id FROM failed
            """
        );

    private Task<long> LaterEventAsync(long earlier) =>
        database.ScalarAsync<long>(
            "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
                + $"SELECT gen_random_uuid(), order_id, type, body, now() FROM outbox WHERE id = {earlier} RETURNING id"
        );

    private Task PutBackAsync() => database.ExecuteAsync("UPDATE outbox_set_aside SET retry_at = now()");
}
