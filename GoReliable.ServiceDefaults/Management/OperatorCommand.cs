namespace GoReliable.ServiceDefaults.Management;

/// <summary>What the commands of an operator have in common; <see cref="OperatorClient"/> asks the service.</summary>
public static class OperatorCommand
{
    /// <summary>Exit code of a command that did all of it.</summary>
    public const int Done = 0;

    /// <summary>Exit code of a command that did it not, or not all of it.</summary>
    public const int NotDone = 1;

    private const int UsageError = 2;

    /// <summary>Runs a command, or shows its help, and says what went wrong.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="help">How it is used.</param>
    /// <param name="arguments">What an operator typed after the name.</param>
    /// <param name="terminal">Gets the help, or what went wrong.</param>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="service">Where it went wrong, for a command that there is for more than one service.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        string name,
        string help,
        IReadOnlyList<string> arguments,
        Terminal terminal,
        Func<Task<int>> run,
        string? service = null
    )
    {
        if (arguments.Intersect(["--help", "-h"]).Any())
        {
            await terminal.Output.WriteLineAsync(help);
            return Done;
        }
        try
        {
            return await run();
        }
        catch (FormatException misuse)
        {
            await terminal.Error.WriteLineAsync($"{misuse.Message} See {name} --help.");
            return UsageError;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            await terminal.Error.WriteLineAsync(
                service is null ? exception.Message : $"{service}: {exception.Message}"
            );
            return NotDone;
        }
    }
}
