using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// Looks at the file again and again: a mounted ConfigMap changes by a swapped symbolic link, which no watcher sees.
/// </summary>
internal sealed partial class ConfigurationFileWatch(
    ConfigurationFile file,
    ILogger<ConfigurationFileWatch> logger,
    TimeProvider time
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(4);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var isReadable = true;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                file.Reload();
                isReadable = true;
            }
            catch (AggregateException refused)
            {
                LogNotFollowed(file.Path, refused.GetBaseException().Message);
            }
            catch (Exception unreadable)
            {
                // Logged once, whatever happens to the file until it can be read again.
                if (isReadable)
                    LogUnreadable(file.Path, unreadable.GetBaseException().Message);
                isReadable = false;
            }
        }
    }

    [LoggerMessage(
        EventName = "settings.unreadable",
        Level = LogLevel.Warning,
        Message = "{File} cannot be read, its last readable values stay: {Reason}"
    )]
    private partial void LogUnreadable(string file, string reason);

    [LoggerMessage(
        EventName = "settings.not_followed",
        Level = LogLevel.Error,
        Message = "{File} has an invalid setting, so the old value stays: {Reason}"
    )]
    private partial void LogNotFollowed(string file, string reason);
}
