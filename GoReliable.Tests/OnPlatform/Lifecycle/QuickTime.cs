namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>
/// A time provider in which pauses of one given length end at once, so that an hour of retries takes a moment.
/// </summary>
/// <param name="pause">That length.</param>
internal sealed class QuickTime(TimeSpan pause) : TimeProvider
{
    private int pauses;
    private int alive;

    /// <summary>How many there were so far.</summary>
    public int Pauses => Volatile.Read(ref pauses);

    /// <summary>Timers that nobody has disposed of.</summary>
    public int Alive => Volatile.Read(ref alive);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == pause)
        {
            Interlocked.Increment(ref pauses);
            dueTime = TimeSpan.Zero;
        }
        Interlocked.Increment(ref alive);
        return new Counted(base.CreateTimer(callback, state, dueTime, period), () => Interlocked.Decrement(ref alive));
    }

    private sealed class Counted(ITimer timer, Action disposed) : ITimer
    {
        private int isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isDisposed, 1) == 0)
                disposed();
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
