namespace Aspire.Hosting.ApplicationModel;

/// <summary>What is waited for before a resource starts.</summary>
public sealed class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    /// <summary>The resource waited for.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>What is waited for.</summary>
    public WaitType WaitType { get; } = waitType;

    /// <summary>What to do when it fails; by default the application's choice.</summary>
    public WaitBehavior? WaitBehavior { get; init; }

    /// <summary>The exit code that counts as completion.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>What is waited for.</summary>
public enum WaitType
{
    /// <summary>Its health checks pass.</summary>
    WaitUntilHealthy,

    /// <summary>Its process has ended.</summary>
    WaitForCompletion,

    /// <summary>Its process is started.</summary>
    WaitUntilStarted,
}

/// <summary>What to do when the resource waited for has failed.</summary>
public enum WaitBehavior
{
    /// <summary>Wait on: it may be started again.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Fail as well.</summary>
    StopOnResourceUnavailable,
}
