namespace GoReliable.ServiceDefaults.Management;

/// <summary>Where an operator types a command.</summary>
/// <param name="Input">What is typed after the command.</param>
/// <param name="Output">Gets what the command found or did.</param>
/// <param name="Error">Gets questions, and what was not done.</param>
public sealed record Terminal(TextReader Input, TextWriter Output, TextWriter Error)
{
    /// <summary>That of this process.</summary>
    public static Terminal Own => new(Console.In, Console.Out, Console.Error);

    /// <summary>Asks before something is done that cannot be undone.</summary>
    public bool Confirms(string question, string refused)
    {
        Error.Write($"{question} [y/N] ");
        if (Input.ReadLine()?.Trim() is "y" or "Y" or "yes")
            return true;
        Error.WriteLine(refused);
        return false;
    }

    /// <summary>
    /// What was typed, or the next line of the input where it is <c>-</c>: arguments are in lists of processes, and in
    /// the audit log of a cluster.
    /// </summary>
    /// <exception cref="FormatException">The input has no more lines.</exception>
    public string? Typed(string? argument) =>
        argument != "-"
            ? argument
            : Input.ReadLine() ?? throw new FormatException("- is for a line of the input, which has none.");
}
