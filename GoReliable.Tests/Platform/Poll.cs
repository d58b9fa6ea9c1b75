namespace GoReliable.Tests.Platform;

/// <summary>
/// Waits for what sends no signal, such as a row, a file or a queue's length, by looking at it again and again.
/// </summary>
internal static class Poll
{
    // A look costs the machine on which others run: the longer the wait, the rarer.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>Reads the value every few milliseconds, until <paramref name="isDone"/>.</summary>
    /// <param name="what">What is waited for; the failure says it, with the last value.</param>
    /// <param name="read">Gets the current value; an exception counts as "not yet".</param>
    /// <param name="isDone">Whether the value is the one that is waited for.</param>
    /// <param name="timeout">60 seconds, if not given.</param>
    /// <param name="interval">
    /// Between two reads; if not given, 25 milliseconds at first and up to a quarter of a second later.
    /// </param>
    public static async Task<T> UntilAsync<T>(
        string what,
        Func<Task<T>> read,
        Func<T, bool> isDone,
        TimeSpan? timeout = null,
        TimeSpan? interval = null
    )
    {
        var until =
            TimeProvider.System.GetTimestamp()
            + (long)((timeout ?? Timeout).TotalSeconds * TimeProvider.System.TimestampFrequency);
        var pause = interval ?? FirstPause;
        object? last = null;
        while (true)
        {
            try
            {
                var value = await read();
                if (isDone(value))
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

            if (TimeProvider.System.GetTimestamp() >= until)
                break;
            await Task.Delay(pause, TestContext.Current.CancellationToken);
            if (interval is null && pause < LongestPause)
                pause *= 1.25;
        }

        throw new TimeoutException($"Waited {timeout ?? Timeout} for {what}; last seen: {last ?? "nothing"}.");
    }
}
