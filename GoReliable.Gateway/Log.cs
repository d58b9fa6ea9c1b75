using Yarp.ReverseProxy.Forwarder;

namespace GoReliable.Gateway;

/// <summary>
/// The gateway's log events. No path, query or header is ever among their fields: clients may write private data there.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(
        EventName = "http.request",
        Level = LogLevel.Information,
        Message = "{Method} {Route} answered {StatusCode} in {DurationMs:0.0} ms"
    )]
    public static partial void RequestServed(
        this ILogger logger,
        string method,
        string route,
        int statusCode,
        double durationMs
    );

    [LoggerMessage(
        EventName = "http.forward_failed",
        Level = LogLevel.Error,
        Message = "{Route} could not be forwarded to {Service} at {Destination}: {Error}, {Reason}"
    )]
    public static partial void ForwardFailed(
        this ILogger logger,
        string route,
        string service,
        string destination,
        ForwarderError error,
        string reason
    );

    [LoggerMessage(
        EventName = "http.replica_left_out",
        Level = LogLevel.Warning,
        Message = "At least half of the requests to {Service} at {Destination} fail; it is left out until one succeeds"
    )]
    public static partial void ReplicaLeftOut(this ILogger logger, string service, string destination);

    [LoggerMessage(
        EventName = "http.replica_back",
        Level = LogLevel.Information,
        Message = "{Service} at {Destination} answers again"
    )]
    public static partial void ReplicaIsBack(this ILogger logger, string service, string destination);

    [LoggerMessage(
        EventName = "settings.refused",
        Level = LogLevel.Error,
        Message = "{Section} was changed, but cannot be used, so the old settings stay: {Reason}"
    )]
    public static partial void SettingsRefused(this ILogger logger, string section, string reason);
}
