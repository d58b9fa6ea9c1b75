using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>How a command ended.</summary>
public sealed class ExecuteCommandResult
{
    /// <summary>Whether it did what it should.</summary>
    public required bool Success { get; init; }

    /// <summary>Whether it was cancelled.</summary>
    public bool Canceled { get; init; }

    /// <summary>What went wrong.</summary>
    public string? Message { get; init; }
}

/// <summary>Runs commands on resources: those named in <see cref="KnownResourceCommands"/>.</summary>
public class ResourceCommandService
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Orchestrator _orchestrator;

    internal ResourceCommandService(Orchestrator orchestrator) => _orchestrator = orchestrator;

    /// <summary>Runs a command on one replica, or on a resource by its name when it has one process only.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        var found = _orchestrator.Processes.Where(p => p.Id == resourceId).ToArray();
        if (found.Length == 0)
            found = [.. _orchestrator.Processes.Where(p => string.Equals(p.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase))];

        return found.Length switch
        {
            0 => Failed($"Resource '{resourceId}' was not found, or has no process."),
            1 => await ExecuteAsync(found[0], commandName, cancellationToken),
            _ => Failed($"Resource '{resourceId}' has several replicas: {string.Join(", ", found.Select(p => p.Id))}."),
        };
    }

    /// <summary>Runs a command on all replicas of a resource.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        var results = await Task.WhenAll(_orchestrator.Processes.Where(p => p.Resource == resource).Select(p => ExecuteAsync(p, commandName, cancellationToken)));
        return results.Length == 0 ? Failed($"Resource '{resource.Name}' was not found, or has no process.")
            : results.All(r => r.Success) ? new ExecuteCommandResult { Success = true }
            : Failed(string.Join(Environment.NewLine, results.Where(r => !r.Success).Select(r => r.Message)));
    }

    private static async Task<ExecuteCommandResult> ExecuteAsync(ResourceProcess process, string commandName, CancellationToken cancellationToken)
    {
        try
        {
            if (commandName == KnownResourceCommands.StartCommand)
                return await StartAsync(process, cancellationToken);

            if (commandName == KnownResourceCommands.StopCommand)
                return await process.StopAsync(Grace, cancellationToken) ? new ExecuteCommandResult { Success = true } : Failed($"'{process.Id}' does not run.");

            if (commandName == KnownResourceCommands.RestartCommand)
            {
                await process.StopAsync(Grace, cancellationToken);
                return await StartAsync(process, cancellationToken);
            }

            return Failed($"Command '{commandName}' not available for resource '{process.Id}'.");
        }
        catch (OperationCanceledException)
        {
            return new ExecuteCommandResult { Success = false, Canceled = true };
        }
    }

    private static async Task<ExecuteCommandResult> StartAsync(ResourceProcess process, CancellationToken cancellationToken) =>
        await process.StartAsync(cancellationToken) ? new ExecuteCommandResult { Success = true } : Failed($"'{process.Id}' was not started: it runs already, or failed to start.");

    private static ExecuteCommandResult Failed(string message) => new() { Success = false, Message = message };
}
