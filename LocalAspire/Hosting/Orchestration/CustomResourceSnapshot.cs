using System.Collections.Immutable;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The state of one resource, or of one of its replicas, at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    /// <summary><c>Project</c>, <c>Executable</c>, <c>Container</c>, <c>Parameter</c> or the type's own name.</summary>
    public required string ResourceType { get; init; }

    /// <summary>Facts such as <c>executable.pid</c>.</summary>
    public required ImmutableArray<ResourcePropertySnapshot> Properties { get; init; }

    /// <summary>When the resource came to be known.</summary>
    public DateTime? CreationTimeStamp { get; init; }

    /// <summary>When its process was last started.</summary>
    public DateTime? StartTimeStamp { get; init; }

    /// <summary>When its process last ended.</summary>
    public DateTime? StopTimeStamp { get; init; }

    /// <summary>One of <see cref="KnownResourceStates"/>.</summary>
    public ResourceStateSnapshot? State { get; init; }

    /// <summary>The exit code of a process that ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Health; null while the resource does not run. Running without any check counts as healthy.</summary>
    public HealthStatus? HealthStatus => State?.Text != KnownResourceStates.Running ? null
        : HealthReports.IsEmpty ? Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy
        : HealthReports.Min(r => r.Status ?? Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Unhealthy);

    /// <summary>What each health check last said.</summary>
    public ImmutableArray<HealthReportSnapshot> HealthReports { get; internal init; } = [];

    /// <summary>The URLs of the endpoints.</summary>
    public ImmutableArray<UrlSnapshot> Urls { get; init; } = [];

    /// <summary>Whether it is kept out of lists.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Set once the resource is healthy and all subscribers of <see cref="ResourceReadyEvent"/> are being called; the task ends when they are done.</summary>
    internal Task? ReadyEvent { get; init; }
}

/// <summary>A state and, for lists, its style.</summary>
public sealed record ResourceStateSnapshot(string Text, string? Style)
{
    /// <summary>A state without a style.</summary>
    public static implicit operator ResourceStateSnapshot?(string? s) => s is null ? null : new(s, null);
}

/// <summary>One fact about a resource.</summary>
public sealed record ResourcePropertySnapshot(string Name, object? Value)
{
    /// <summary>Whether the value is a secret.</summary>
    public bool IsSensitive { get; init; }
}

/// <summary>One URL of a resource.</summary>
public sealed record UrlSnapshot(string? Name, string Url, bool IsInternal);

/// <summary>What a health check said.</summary>
public sealed record HealthReportSnapshot(string Name, HealthStatus? Status, string? Description, string? ExceptionText)
{
    /// <summary>When.</summary>
    public DateTime? LastRunAt { get; init; }
}

/// <summary>The states of resources.</summary>
public static class KnownResourceStates
{
    /// <summary>Its process is being started.</summary>
    public static readonly string Starting = nameof(Starting);

    /// <summary>Its process runs.</summary>
    public static readonly string Running = nameof(Running);

    /// <summary>Its process could not be started, or something it waited for failed.</summary>
    public static readonly string FailedToStart = nameof(FailedToStart);

    /// <summary>It runs, but cannot do its work.</summary>
    public static readonly string RuntimeUnhealthy = nameof(RuntimeUnhealthy);

    /// <summary>It was told to stop.</summary>
    public static readonly string Stopping = nameof(Stopping);

    /// <summary>Its process ended by itself with a failure, or was stopped.</summary>
    public static readonly string Exited = nameof(Exited);

    /// <summary>Its process ended by itself with success.</summary>
    public static readonly string Finished = nameof(Finished);

    /// <summary>It waits for other resources.</summary>
    public static readonly string Waiting = nameof(Waiting);

    /// <summary>It is started by command only.</summary>
    public static readonly string NotStarted = nameof(NotStarted);

    /// <summary>The states of a resource without a process.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];
}

/// <summary>The names of the commands that every resource with a process has.</summary>
public static class KnownResourceCommands
{
    /// <summary>Starts a stopped resource.</summary>
    public static readonly string StartCommand = "start";

    /// <summary>Stops a running resource.</summary>
    public static readonly string StopCommand = "stop";

    /// <summary>Stops and starts it.</summary>
    public static readonly string RestartCommand = "restart";
}
