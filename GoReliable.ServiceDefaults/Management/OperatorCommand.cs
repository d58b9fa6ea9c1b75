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
    /// <param name="output">Gets the help.</param>
    /// <param name="error">Gets what went wrong.</param>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="service">Where it went wrong, for a command that there is for more than one service.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        string name,
        string help,
        IReadOnlyList<string> arguments,
        TextWriter output,
        TextWriter error,
        Func<Task<int>> run,
        string? service = null
    )
    {
        if (arguments.Intersect(["--help", "-h"]).Any())
        {
            await output.WriteLineAsync(help);
            return Done;
        }
        try
        {
            return await run();
        }
        catch (FormatException misuse)
        {
            await error.WriteLineAsync($"{misuse.Message} See {name} --help.");
            return UsageError;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            await error.WriteLineAsync(service is null ? exception.Message : $"{service}: {exception.Message}");
            return NotDone;
        }
    }

    /// <summary>Asks before something is done that cannot be undone.</summary>
    public static bool IsConfirmed(string question, string refused, TextReader input, TextWriter error)
    {
        error.Write($"{question} [y/N] ");
        if (input.ReadLine()?.Trim() is "y" or "Y" or "yes")
            return true;
        error.WriteLine(refused);
        return false;
    }

    /// <summary>
    /// What was typed, or the next line of the input where it is <c>-</c>: arguments are in lists of processes, and in
    /// the audit log of a cluster.
    /// </summary>
    /// <exception cref="FormatException">The input has no more lines.</exception>
    public static string? Typed(string? argument, TextReader input) =>
        argument != "-"
            ? argument
            : input.ReadLine() ?? throw new FormatException("- is for a line of the input, which has none.");
}
