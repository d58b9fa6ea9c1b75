using Microsoft.Extensions.Logging;

/// <summary>What the AppHost itself logs.</summary>
internal static partial class Log
{
    [LoggerMessage(
        Level = LogLevel.Information,
        EventName = "servers.processes",
        Message = "{Why} PostgreSQL, RabbitMQ and Prometheus run as processes of this machine. "
            + "Grafana, Tempo, Loki and the Collector exist as containers only and are left out."
    )]
    public static partial void ServersAreProcesses(this ILogger logger, string why);

    [LoggerMessage(
        Level = LogLevel.Warning,
        EventName = "prometheus.targets_not_written",
        Message = "The targets of Prometheus cannot be written: {Why} It is tried again when a service changes."
    )]
    public static partial void TargetsNotWritten(this ILogger logger, string why);

    [LoggerMessage(
        Level = LogLevel.Warning,
        EventName = "prometheus.replicas_share_a_target",
        Message = "Prometheus has one target for all replicas of a service, so counters jump from one replica's to "
            + "another's. With --Servers=processes each replica is a target."
    )]
    public static partial void ReplicasShareATarget(this ILogger logger);
}
