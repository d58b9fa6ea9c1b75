using GoReliable.Database;
using Npgsql;
using NpgsqlTypes;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// What became of a batch, and how that is stored: confirmed rows are deleted, and orders whose event failed are set
/// aside.
/// </summary>
internal sealed class PublishedBatch
{
    private const string SetAside = """
        -- set aside outbox
        INSERT INTO outbox_set_aside AS aside (order_id, outbox_id, event_id, type, attempts,
            reason, failed_since, retry_at)
        SELECT order_id, outbox_id, event_id, type, attempts, reason, now(), now() + pause
        FROM unnest($1, $2, $3, $4, $5, $6, $7) AS failed (order_id, outbox_id, event_id, type, attempts, reason, pause)
        ON CONFLICT (order_id) DO UPDATE SET
            outbox_id = excluded.outbox_id, event_id = excluded.event_id, type = excluded.type,
            attempts = excluded.attempts,
            reason = excluded.reason, retry_at = excluded.retry_at,
            failed_since = CASE WHEN aside.outbox_id = excluded.outbox_id
                THEN aside.failed_since ELSE excluded.failed_since END
        """;

    private const string Release = """
        -- release outbox
        DELETE FROM outbox_set_aside WHERE order_id = ANY ($1)
        """;

    private readonly Guid[] released;

    public PublishedBatch(IReadOnlyList<OutboxMessage> messages, IReadOnlyList<PublishOutcome> outcomes)
    {
        var pairs = messages.Zip(outcomes, (message, outcome) => (Message: message, Outcome: outcome)).ToList();
        Confirmed = [.. pairs.Where(pair => pair.Outcome.IsConfirmed).Select(pair => pair.Message.Id)];
        Failed =
        [
            .. pairs.Where(pair => pair.Outcome.IsFailed).Select(pair => UntakenMessage.Of(pair.Message, pair.Outcome)),
        ];
        UnknownCount = pairs.Count(pair => pair.Outcome.Kind == PublishKind.Unknown);
        HasRefused = pairs.Any(pair => pair.Outcome.Kind == PublishKind.Refused);
        released =
        [
            .. pairs
                .Where(pair => pair.Message.IsSetAside && pair.Outcome.IsConfirmed)
                .Select(pair => pair.Message.OrderId)
                .Except(Failed.Select(failed => failed.Message.OrderId)),
        ];
    }

    /// <summary>Ids of the rows that the broker has confirmed.</summary>
    public long[] Confirmed { get; }

    /// <summary>Rows that the broker did not take, one of an order at most.</summary>
    public IReadOnlyList<UntakenMessage> Failed { get; }

    /// <summary>Whether a queue does not take more now.</summary>
    public bool HasRefused { get; }

    /// <summary>How many rows have an unknown outcome: the channel was closed, or the broker did not answer.</summary>
    public int UnknownCount { get; }

    /// <summary>Whether there is nothing to write down.</summary>
    public bool IsEmpty => Confirmed.Length == 0 && Failed.Count == 0;

    /// <summary>
    /// Adds the statements to a batch. If anything was confirmed, the first one is <see cref="OutboxReader.Delete"/>.
    /// </summary>
    public void AddTo(NpgsqlBatch batch, NpgsqlParameter nextTransaction)
    {
        if (Confirmed.Length > 0)
            batch.BatchCommands.Add(
                new(OutboxReader.Delete)
                {
                    Parameters =
                    {
                        nextTransaction,
                        new NpgsqlParameter<long[]> { TypedValue = Confirmed },
                    },
                }
            );
        if (released.Length > 0)
            batch.BatchCommands.Add(
                new(Release) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = released } } }
            );
        if (Failed.Count > 0)
        {
            batch.BatchCommands.Add(
                new(SetAside)
                {
                    Parameters =
                    {
                        Failed.Column(failed => failed.Message.OrderId),
                        Failed.Column(failed => failed.Message.Id),
                        Failed.Column(failed => failed.Message.EventId),
                        Failed.Column(failed => failed.Message.RoutingKey),
                        Failed.Column(failed => failed.Attempts),
                        Failed.Column(failed => failed.Reason),
                        new NpgsqlParameter<TimeSpan?[]>
                        {
                            TypedValue = [.. Failed.Select(failed => failed.Pause)],
                            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval,
                        },
                    },
                }
            );
        }
    }
}

/// <summary>
/// A row that the broker did not take. Its order is set aside: for a pause, and after some attempts until an operator
/// puts it back.
/// </summary>
/// <param name="Message">The row.</param>
/// <param name="Attempts">How often it was tried, with this attempt.</param>
/// <param name="Reason">Why it was not taken.</param>
/// <param name="Pause">The time until the next attempt; null if there is none.</param>
internal sealed record UntakenMessage(OutboxMessage Message, int Attempts, string Reason, TimeSpan? Pause)
{
    private const int MaxAttempts = 5;
    private const int MaxPauseSeconds = 60;

    public static UntakenMessage Of(OutboxMessage message, PublishOutcome outcome)
    {
        // A queue that is full says nothing about the message. So refusals are counted from MaxAttempts upwards, and
        // the next real failure counts as attempt 1.
        if (outcome.Kind == PublishKind.Refused)
        {
            var refused = Math.Max(message.Attempts, MaxAttempts) + 1;
            return new(message, refused, outcome.Reason, PauseAfter(refused - MaxAttempts));
        }
        var attempts = message.Attempts >= MaxAttempts ? 1 : message.Attempts + 1;
        return new(message, attempts, outcome.Reason, attempts == MaxAttempts ? null : PauseAfter(attempts));
    }

    private static TimeSpan PauseAfter(int attempts) =>
        TimeSpan.FromSeconds(Math.Min(MaxPauseSeconds, 1 << Math.Min(attempts - 1, 10)));
}
