using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration;

/// <summary>Hands the output of resources to the AppHost's logger, when the options ask for it.</summary>
internal sealed partial class ResourceLogForwarder(DistributedApplicationOptions options, ResourceLogs logs, ILoggerFactory loggers, IHostEnvironment environment) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.EnableResourceLogging)
            logs.LineWritten += Forward;

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        logs.LineWritten -= Forward;
        return Task.CompletedTask;
    }

    private void Forward(string id, string line)
    {
        var logger = loggers.CreateLogger($"{environment.ApplicationName}.Resources.{id}");
        Line(logger, line);
    }

    [LoggerMessage(Level = LogLevel.Information, EventName = "resource.output", Message = "{Line}")]
    private static partial void Line(ILogger logger, string line);
}
