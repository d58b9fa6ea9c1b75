using System.Threading.Channels;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Wakes this process's relay after a commit. In-process on purpose: NOTIFY takes a lock that serialises commits
/// (https://www.postgresql.org/docs/current/sql-notify.html), and the relay polls as well.
/// </summary>
internal sealed class OutboxSignal
{
    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>
    /// Says that there may be something to relay. Never blocks; many wakes before the next wait are one.
    /// </summary>
    public void Wake() => wakes.Writer.TryWrite(true);

    /// <summary>Whether there was a wake since the last wait, which then counts as waited for.</summary>
    public bool TryTake() => wakes.Reader.TryRead(out _);

    /// <summary>Waits for a wake, at most that long.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await wakes.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
