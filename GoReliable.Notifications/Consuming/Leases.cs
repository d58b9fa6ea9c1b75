using System.Collections.Concurrent;
using GoReliable.Database;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Lifecycle;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>Which delivery has an event.</summary>
internal enum LeaseAnswer
{
    /// <summary>The delivery that asked has it.</summary>
    Taken,

    /// <summary>Another delivery has it and is alive, or was until a moment ago.</summary>
    Busy,

    /// <summary>It was handled before.</summary>
    Handled,
}

/// <summary>
/// Claims of deliveries that wait for an external server, for longer than a transaction or a connection may be kept. A
/// lease is a committed row with an end. It is renewed for as long as its delivery lives. Once it is over, another
/// delivery of the message may take it, and then the old owner cannot write any more.
/// </summary>
internal sealed class Leases(NpgsqlDataSource database, ILogger<Leases> logger, TimeProvider time)
    : RepeatedWork(RenewEvery, time)
{
    // Times are PostgreSQL's, so the clocks of the workers need not agree. A lease outlives one renewal that fails:
    //    5 s for the answer to the renewal before
    //  + 2 s pause
    //  + 4 s for a connection, 5 s for the statement and 2 s for its cancellation, all in vain
    //  + 2 s pause
    //  + 4 s for a connection and 5 s for the statement of the next
    //  = 29 s
    private const string LeaseEnd = "now() + interval '30 seconds'";
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    private const string Take = $"""
        -- claim inbox
        INSERT INTO leases (event_id, owner, until) VALUES ($1, $2, {LeaseEnd})
        ON CONFLICT (event_id) DO UPDATE SET owner = excluded.owner, until = excluded.until
        WHERE leases.until < now() OR leases.owner = excluded.owner
        RETURNING true
        """;

    // Runs after the lease is taken: by then the owner before us has written what became of the event, or never will.
    private const string SelectHandled = "SELECT true FROM inbox WHERE event_id = $1";

    private const string ReturnLease = """
        DELETE FROM leases WHERE event_id = $1 AND owner = $2 AND EXISTS (SELECT FROM inbox WHERE event_id = $1)
        """;

    private const string Store = $"""
        -- store notifications
        WITH mine AS (DELETE FROM leases WHERE event_id = ANY ($1) AND owner = $10 RETURNING event_id),
        handled AS (INSERT INTO inbox (event_id) SELECT event_id FROM mine ON CONFLICT DO NOTHING),
        stored AS (
            {Inbox.Insert}
            WHERE EXISTS (SELECT FROM mine)
            ON CONFLICT DO NOTHING)
        SELECT count(*) FROM mine
        """;

    // An event that failed must count as new when it comes back from its retry queue.
    private const string Release = """
        -- release inbox
        WITH mine AS (DELETE FROM leases WHERE event_id = $1 AND owner = $2 RETURNING event_id)
        SELECT count(*) FROM mine
        """;

    // An owner is one delivery of one event, so two lists are enough. A join might be planned as a walk over the table.
    internal const string Renew = $"""
        -- renew leases
        UPDATE leases SET until = {LeaseEnd} WHERE event_id = ANY ($1) AND owner = ANY ($2)
        """;

    /// <summary>
    /// Deletes leases that ended before <c>$1</c>: those of messages that were removed from the queue. Whatever the
    /// worker's clock says, they are over for PostgreSQL too.
    /// </summary>
    public const string Expire = """
        -- expire leases
        DELETE FROM leases WHERE until < least($1, now() - interval '1 hour')
        """;

    private readonly ConcurrentDictionary<Guid, Guid> eventByOwner = new();

    /// <summary>Claims an event. The same owner may ask again if it did not get the answer.</summary>
    public async Task<LeaseAnswer> TakeAsync(Guid @event, Guid owner)
    {
        await using var batch = database.CreateBatch();
        foreach (var sql in new[] { Take, SelectHandled, ReturnLease })
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.AddValue(@event);
            if (sql != SelectHandled)
                command.Parameters.AddValue(owner);
            batch.BatchCommands.Add(command);
        }
        await using var row = await batch.ExecuteReaderAsync();
        var taken = await row.ReadAsync();
        await row.NextResultAsync();
        if (await row.ReadAsync())
            return LeaseAnswer.Handled;
        if (!taken)
            return LeaseAnswer.Busy;
        eventByOwner[owner] = @event;
        return LeaseAnswer.Taken;
    }

    /// <summary>Writes down what became of a delivery, and ends its lease.</summary>
    /// <returns>False when the lease was over and another delivery took it: then nothing was written.</returns>
    public async Task<bool> EndAsync(Message message)
    {
        await using var command = database.CreateCommand(message.Receipt is null ? Release : Store);
        if (message.Receipt is null)
            command.Parameters.AddValue(message.Event!.Id);
        else
            command.Parameters.AddRange(Inbox.Values([message]));
        command.Parameters.AddValue(message.Owner);
        return (long)(await command.ExecuteScalarAsync())! > 0;
    }

    /// <summary>Stops renewing a lease.</summary>
    public void StopRenewing(Guid owner) => eventByOwner.TryRemove(owner, out _);

    /// <summary>Renews the leases of all deliveries under way for their full time.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        var alive = eventByOwner.ToArray();
        if (alive.Length == 0)
            return;
        await using var command = database.CreateCommand(Renew);
        command.Parameters.AddValue<Guid[]>([.. alive.Select(lease => lease.Value)]);
        command.Parameters.AddValue<Guid[]>([.. alive.Select(lease => lease.Key)]);
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (NpgsqlException exception)
        {
            database.LeaveReadOnlyServer(exception);
            throw;
        }
    }

    protected override Task RunAsync(CancellationToken stoppingToken) => RenewAsync(stoppingToken);

    protected override void LogFailure(string reason) => logger.LeasesNotRenewed(reason);
}
