using System.Globalization;
using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Notifications;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>
/// Messages with which the client library ends the connection, or which cannot be shown: each stands for itself.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class PoisonTests(DeadLetterOperator own) : IClassFixture<DeadLetterOperator>
{
    private readonly GoReliablePlatform platform = own.Platform;

    [Fact]
    public async Task A_giant_message_is_dead_lettered_with_its_reason_and_the_others_are_notified()
    {
        var giant = await Odd.PublishAsync(platform, OrderTopology.Queue, new byte[Odd.Giant]);
        await NotifiesAsync();

        var letter = await own.FindByMessageAsync(giant);

        Assert.Equal("too_large", letter.Reason);
        Assert.Contains(
            Odd.Giant.ToString("N0", CultureInfo.InvariantCulture),
            letter.ExceptionMessage,
            StringComparison.Ordinal
        );
        await own.DiscardAsync(letter.Id);
    }

    [Fact]
    public async Task An_undecodable_header_is_dead_lettered_and_its_event_notified_when_redriven()
    {
        var @event = Guid.CreateVersion7();
        var message = await Odd.PublishAsync(
            platform,
            OrderTopology.Queue,
            Odd.Event(@event),
            ("odd", Odd.Undecodable)
        );
        await NotifiesAsync();

        var letter = await own.FindByMessageAsync(message);

        Assert.Equal((@event, "undecodable", "order.created"), (letter.Id, letter.Reason, letter.EventType));
        Assert.NotEmpty((await own.FindAsync(@event)).Properties.Wire!);
        await own.RedriveAsync(letter.Id);
        await own.WaitUntilNotifiedAsync(@event);
    }

    // Moved with a shovel or in the management UI. A message that crashed one worker may be harmless to the next one.
    [Fact]
    public async Task A_dead_letter_that_was_moved_back_into_the_queue_is_read_and_notified()
    {
        var (@event, begun) = (Guid.CreateVersion7(), DateTimeOffset.UtcNow);
        await Odd.PublishAsync(platform, OrderTopology.Queue, Odd.Event(@event), ("x-dead-reason", "fatal"));

        await own.WaitUntilNotifiedAsync(@event);
        // It is read at the first try. Otherwise it would be refused and come back until it is read alone.
        Assert.DoesNotContain(platform.Telemetry.Logs(), log =>
            log.EventName == "consumer.batch_failed" && log.Time > begun
        );
    }

    [Fact]
    public async Task Odd_dead_letters_are_listed_shown_and_redriven_and_block_no_other()
    {
        var year50000 = new Dictionary<string, object?>
        {
            ["reason"] = "expired"u8.ToArray(),
            ["time"] = new RabbitMQ.Client.AmqpTimestamp(long.MaxValue),
        };
        var headers = new (string Name, object? Value)[]
        {
            ("odd", Odd.Nested(70)),
            ("odd", Odd.Nested(1100)),
            ("x-death", new List<object> { year50000 }),
            ("odd", Odd.Undecodable),
            ("odd", 1),
        };
        var ids = headers.Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var (header, id) in headers.Zip(ids))
            await Odd.PublishAsync(platform, OrderTopology.DeadQueue, Odd.Event(id), header);

        foreach (var id in ids)
            await own.FindAsync(id);
        await own.BulkAsync("redrive", new { ids });

        await own.WaitUntilNotifiedAsync(ids);
    }

    /// <summary>Good events that come after are notified.</summary>
    private async Task NotifiesAsync()
    {
        Guid[] ids = [.. Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7())];
        await Odd.PublishAllAsync(platform, OrderTopology.Queue, ids.Select(id => Odd.Event(id)));
        await own.WaitUntilNotifiedAsync(ids);
    }
}
