namespace GoReliable.Orders.Outbox;

/// <summary>
/// The id below which the outbox has nothing and never will. Reading starts there: what was deleted stays in the index
/// until a vacuum, and while a long transaction (a backup) keeps the vacuum away, each look from the very start would
/// walk over all that was ever deleted.
/// </summary>
/// <remarks>
/// An id is taken before its row is committed, so "everything up to here was sent" is not enough: a row below may still
/// appear, and a later event of its order must not go first. Ids up to a value of the sequence are settled when every
/// transaction has ended that was running a while after that value was read.
/// </remarks>
internal sealed class OutboxFloor(TimeProvider time)
{
    // Between taking an id and entering the list of running transactions lie microseconds.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Microseconds, unless the server is paused right there: such a row is committed below the floor, and found when
    // reading starts from the beginning once more.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private long clearedAt;
    private long sampledAt;
    private long? earlier;
    private (long Id, long Transaction)? awaited;
    private long settled;
    private long value;

    /// <summary>Read rows above this id. May be read by any thread, is raised by the active relay.</summary>
    public long Value => Volatile.Read(ref value);

    /// <summary>Whether a look from the very start has begun. One that is not over when the next one begins was given up.</summary>
    public bool IsLooking { get; set; }

    /// <summary>Whether it is time for another <see cref="Sample"/>.</summary>
    public bool IsSampleDue => sampledAt == 0 || time.GetElapsedTime(sampledAt) >= Interval;

    /// <summary>Forgets everything but <see cref="IsLooking"/>: the connection is a new one.</summary>
    public void Reset()
    {
        (sampledAt, earlier, awaited, settled) = (0, null, null, 0);
        Volatile.Write(ref value, 0);
    }

    /// <param name="lastId">The newest id that the sequence gave out.</param>
    /// <param name="oldest">The oldest transaction that is still running; all before it have ended.</param>
    /// <param name="next">The first transaction that had not begun yet.</param>
    public void Sample(long lastId, long oldest, long next)
    {
        sampledAt = time.GetTimestamp();
        if (clearedAt == 0 || time.GetElapsedTime(clearedAt) >= Lifetime)
        {
            clearedAt = sampledAt;
            Volatile.Write(ref value, 0);
        }
        if (awaited is { } candidate && oldest >= candidate.Transaction)
            (settled, awaited) = (candidate.Id, null);
        if (earlier is { } id)
            awaited ??= (id, next);
        earlier = lastId;
    }

    /// <summary>Call it when everything was sent and deleted that could be seen above the floor.</summary>
    /// <param name="upTo">Up to this id; <see cref="long.MaxValue"/> where that was all there was.</param>
    /// <param name="settledWhenRead"><see cref="Settled"/> before it was read.</param>
    public void Sent(long upTo, long settledWhenRead) => Volatile.Write(ref value, Math.Max(value, Math.Min(upTo, settledWhenRead)));

    /// <summary>No row with this id or a smaller one will be committed any more.</summary>
    public long Settled => settled;
}
