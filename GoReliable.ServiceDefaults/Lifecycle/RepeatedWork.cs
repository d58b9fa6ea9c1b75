using Microsoft.Extensions.Hosting;

namespace GoReliable.ServiceDefaults.Lifecycle;

/// <summary>
/// Background work that is done again and again for as long as the service runs. Work that fails is tried again after
/// the pause. The log says why once, and again when the reason is another one or the work had succeeded in between.
/// </summary>
/// <param name="pause">From the end of one run to the beginning of the next.</param>
/// <param name="time">Measures the pause.</param>
public abstract class RepeatedWork(TimeSpan pause, TimeProvider time) : BackgroundService
{
    private string? reported;

    /// <summary>What measures the pause, for pauses within a run.</summary>
    protected TimeProvider Time => time;

    /// <summary>Does the work once, or for as long as nothing fails.</summary>
    protected abstract Task RunAsync(CancellationToken stoppingToken);

    /// <summary>Says in the log why the work failed.</summary>
    protected abstract void LogFailure(string reason);

    /// <summary>The reason for the log.</summary>
    protected virtual string Explain(Exception exception) => exception.Message;

    /// <summary>
    /// Logs why the work failed, unless the log says so already. Only for a run that goes on after a failure.
    /// </summary>
    protected void Report(Exception exception)
    {
        var reason = Explain(exception);
        if (reason != reported)
            LogFailure(reason);
        reported = reason;
    }

    /// <summary>
    /// Lets the next failure be logged whatever its reason. Only for a run that goes on after something worked.
    /// </summary>
    protected void Succeed() => reported = null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await RunAsync(stoppingToken);
                Succeed();
            }
            catch (Exception exception)
                when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                Report(exception);
            }
            await Task.Delay(pause, time, stoppingToken);
        }
    }
}
