namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>A time provider in which pauses end at once, so that an hour of retries takes a moment.</summary>
internal sealed class QuickTime : TimeProvider
{
    private int pauses;

    /// <summary>How many there were so far.</summary>
    public int Pauses => Volatile.Read(ref pauses);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref pauses);
        return base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
