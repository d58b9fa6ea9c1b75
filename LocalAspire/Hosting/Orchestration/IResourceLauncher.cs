using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Orchestration;

/// <summary>Knows how one kind of resource becomes a process.</summary>
internal interface IResourceLauncher : IDisposable
{
    /// <summary>What prevents any start: a missing program, data in use. Empty when all is well.</summary>
    IEnumerable<string> FindProblems() => [];

    /// <summary>Prepares files and helpers, and describes the process.</summary>
    Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken);

    /// <summary>Ends the helpers of a process that has ended.</summary>
    Task AfterExitAsync() => Task.CompletedTask;

    /// <summary>Whether the process may be killed when the application stops, as nobody will see its data again.</summary>
    bool IsDisposable => false;
}

/// <summary>What a launcher works with.</summary>
/// <param name="Replica">Which replica is started.</param>
/// <param name="Variables">The environment of the AppHost and, above it, the resource's own.</param>
/// <param name="Own">The resource's own variables alone.</param>
/// <param name="Arguments">The resource's arguments.</param>
/// <param name="Log">Writes to the resource's log.</param>
internal sealed record LaunchContext(
    int Replica,
    IReadOnlyDictionary<string, string> Variables,
    IReadOnlyDictionary<string, string> Own,
    IReadOnlyList<string> Arguments,
    Action<string> Log);
