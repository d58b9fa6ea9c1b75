using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Postgres;

/// <summary>Starts a PostgreSQL server on the loopback interface, with scram passwords and a data directory of its own.</summary>
internal sealed class PostgresLauncher : IResourceLauncher
{
    private static readonly string[] UnprivilegedUsers = ["postgres", "nobody"];

    private readonly PostgresServerResource _server;
    private readonly SystemUser? _user;
    private readonly string? _programs;
    private readonly DataDirectory _data;

    public PostgresLauncher(PostgresServerResource server, string appHostDirectory)
    {
        _server = server;
        _user = Native.IsRoot ? SystemUser.Find(UnprivilegedUsers) : null;
        _data = DataDirectory.Choose(server, appHostDirectory, _user);
        _programs = FindPrograms(_data.Path);
    }

    public bool IsDisposable => !_data.IsKept;

    public IEnumerable<string> FindProblems()
    {
        if (_programs is null)
            yield return $"Resource '{_server.Name}' needs PostgreSQL, which is not installed. Install it with: {Programs.Install("postgresql")}";
        else if (Native.IsRoot && _user is null)
            yield return $"Resource '{_server.Name}': PostgreSQL does not run as root, and this machine has no user 'postgres' or 'nobody' that it could run as. Add one with: useradd --system postgres";
        else if (_data.Reserve(_server, _user) is { } problem)
            yield return problem;
    }

    public async Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var version = Path.Combine(_data.Path, "PG_VERSION");
        if (!File.Exists(version))
            await InitializeAsync(context, cancellationToken);
        else if ((await File.ReadAllTextAsync(version, cancellationToken)).Trim() is var kept && kept != Version)
            throw new DistributedApplicationException($"The data in {_data.Path} was made by PostgreSQL {kept}; installed is {Version}. Remove the directory to start anew.");

        RemoveStaleLock();
        return Describe("postgres", _data.Path, context,
        [
            "-D", _data.Path,
            "-p", _server.PrimaryEndpoint.Port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=",
            .. context.Arguments,
        ]);
    }

    public void Dispose() => _data.Dispose();

    private string Version => Path.GetFileName(Path.GetDirectoryName(_programs!)!);

    // Debian keeps versions side by side, outside of the PATH: the one that made the data, or else the newest.
    private static string? FindPrograms(string data)
    {
        const string Debian = "/usr/lib/postgresql";
        if (!Directory.Exists(Debian))
            return null;

        var version = Path.Combine(data, "PG_VERSION");
        var kept = File.Exists(version) ? File.ReadAllText(version).Trim() : "";
        return Directory.GetDirectories(Debian)
            .Where(d => File.Exists(Path.Combine(d, "bin", "postgres")))
            .OrderByDescending(d => Path.GetFileName(d) == kept)
            .ThenByDescending(d => int.TryParse(Path.GetFileName(d), out var number) ? number : 0)
            .Select(d => Path.Combine(d, "bin"))
            .FirstOrDefault();
    }

    // Beside its place, and moved there when it is whole: an interrupted initdb leaves what no server starts on.
    private async Task InitializeAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var unfinished = $"{_data.Path}.new";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);

        DataDirectory.Create(unfinished, _user);
        await RunInitdbAsync(unfinished, context, cancellationToken);

        // Only an empty directory is replaced.
        if (Directory.Exists(_data.Path))
            Directory.Delete(_data.Path);

        Directory.Move(unfinished, _data.Path);
    }

    private async Task RunInitdbAsync(string directory, LaunchContext context, CancellationToken cancellationToken)
    {
        // As a file, not an argument: everybody can read arguments.
        var password = TemporaryDirectory.Choose($"{_server.Name}-password");
        await using (var file = new FileStream(password, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        await using (var writer = new StreamWriter(file))
            await writer.WriteLineAsync(context.Own["POSTGRES_PASSWORD"]);

        try
        {
            if (_user is not null)
                Native.ChangeOwner(password, _user.Id, _user.Group);

            await ChildProcess.RunToEndAsync(
                Describe("initdb", directory, context,
                [
                    "-D", directory, "--username", context.Own["POSTGRES_USER"], "--pwfile", password,
                    "--auth-host=scram-sha-256", "--auth-local=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
                    .. IsDisposable ? ["--no-sync"] : Array.Empty<string>(),
                ]),
                cancellationToken);
        }
        finally
        {
            File.Delete(password);
        }
    }

    private Launch Describe(string program, string directory, LaunchContext context, IReadOnlyList<string> arguments) =>
        new(Path.Combine(_programs!, program), arguments, directory, context.Variables.Where(v => !v.Key.StartsWith("PG", StringComparison.Ordinal)).ToDictionary())
        {
            User = _user,
            // The fast shutdown: it ends sessions and does not wait for them.
            StopSignal = Native.SIGINT,
            DeathSignal = "INT",
        };

    // After a crash, the process id in the lock may by now be another program's; PostgreSQL would then refuse to start.
    // Nobody else uses the directory: it is locked by this AppHost.
    private void RemoveStaleLock()
    {
        var path = Path.Combine(_data.Path, "postmaster.pid");
        if (!File.Exists(path))
            return;

        var commandLine = $"/proc/{File.ReadLines(path).First().Trim()}/cmdline";
        if (!File.Exists(commandLine) || !File.ReadAllText(commandLine).Contains(_data.Path, StringComparison.Ordinal))
            File.Delete(path);
    }
}
