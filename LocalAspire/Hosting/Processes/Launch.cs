namespace Aspire.Hosting.Processes;

/// <summary>A process to start.</summary>
internal sealed record Launch(string Program, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The unprivileged user to become; null means to stay who we are.</summary>
    public SystemUser? User { get; init; }

    /// <summary>What asks it to stop.</summary>
    public int StopSignal { get; init; } = Native.SIGTERM;

    /// <summary>Whether the signal goes to everything that it started as well.</summary>
    public bool StopWholeGroup { get; init; }

    /// <summary>The signal that it gets when the AppHost dies without stopping it.</summary>
    public string DeathSignal { get; init; } = "KILL";
}

/// <summary>An entry of /etc/passwd.</summary>
internal sealed record SystemUser(string Name, int Id, int Group)
{
    /// <summary>The first of some users that this machine has.</summary>
    public static SystemUser? Find(params string[] names)
    {
        var known = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 3).ToDictionary(fields => fields[0]);
        return names.Where(known.ContainsKey).Select(name => new SystemUser(name, Number(known[name][2]), Number(known[name][3]))).FirstOrDefault();
    }

    /// <summary>The name of a user; the number, when it has none.</summary>
    public static string NameOf(int id)
    {
        var number = id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return File.ReadLines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 3 && fields[2] == number)?[0] ?? number;
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
