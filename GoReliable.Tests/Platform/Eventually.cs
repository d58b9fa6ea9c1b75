namespace GoReliable.Tests.Platform;

/// <summary>
/// Waits until something is so, for what announces itself to nobody: a row, a file, a queue's length.
/// </summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>Looks again and again, until <paramref name="isSo"/>.</summary>
    /// <param name="what">What is waited for; the failure says it, with the last look.</param>
    /// <param name="look">Gets the current value; an exception counts as "not yet".</param>
    /// <param name="isSo">Whether the value is the one that is waited for.</param>
    /// <param name="timeout">60 seconds, if not given.</param>
    /// <param name="interval">Between two looks; 50 milliseconds, if not given.</param>
    public static async Task<T> SeeAsync<T>(
        string what,
        Func<Task<T>> look,
        Func<T, bool> isSo,
        TimeSpan? timeout = null,
        TimeSpan? interval = null
    )
    {
        var until =
            TimeProvider.System.GetTimestamp()
            + (long)((timeout ?? Timeout).TotalSeconds * TimeProvider.System.TimestampFrequency);
        using var timer = new PeriodicTimer(interval ?? Interval);
        object? last = null;
        do
        {
            try
            {
                var value = await look();
                if (isSo(value))
                    return value;
                last = value;
            }
            catch (Exception exception)
                when (exception is not OperationCanceledException { CancellationToken.IsCancellationRequested: true }
                    || !TestContext.Current.CancellationToken.IsCancellationRequested
                )
            {
                last = exception.Message;
            }
        } while (
            TimeProvider.System.GetTimestamp() < until
            && await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken)
        );

        throw new TimeoutException($"Waited {timeout ?? Timeout} for {what}; last seen: {last ?? "nothing"}.");
    }
}
