using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

/// <summary>Where servers that run as processes have their scripts, their data and their temporary files.</summary>
internal sealed class ProcessFiles
{
    private const string Prefix = "goreliable-";
    private readonly string scripts;
    private readonly string data;

    public ProcessFiles(IDistributedApplicationBuilder builder)
    {
        scripts = Path.Combine(builder.AppHostDirectory, "Processes");
        data = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".data"));
        Temporary = Path.Combine(
            Path.GetTempPath(),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}")
        );
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (@event, _) =>
            {
                Create();
                @event
                    .Services.GetRequiredService<IHostApplicationLifetime>()
                    .ApplicationStopped.Register(() => Remove(Temporary));
                return Task.CompletedTask;
            }
        );
    }

    /// <summary>A directory that is removed when the application ends.</summary>
    public string Temporary { get; }

    public string Script(string name) => Path.Combine(scripts, name);

    /// <summary>The environment variables that a script reads to start this server.</summary>
    public IEnumerable<(string Name, string Value)> Variables(ExecutableResource server)
    {
        // Data for which a volume was asked is kept for the next run.
        var keepsData = server
            .Annotations.OfType<ContainerMountAnnotation>()
            .Any(mount => mount.Type == ContainerMountType.Volume);
        return
        [
            ("DATA", Path.Combine(keepsData ? data : Temporary, server.Name)),
            ("TEMPORARY", Temporary),
            ("APPHOST", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)),
        ];
    }

    /// <summary>Asks a script what is in the way of a start.</summary>
    /// <exception cref="DistributedApplicationException">The script's sentence about it.</exception>
    public async Task CheckAsync(ExecutableResource server, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(server.Command, ["check"]) { RedirectStandardError = true };
        foreach (var (name, value) in Variables(server))
            start.Environment[name] = value;

        using var check = Process.Start(start)!;
        var complaint = await check.StandardError.ReadToEndAsync(cancellationToken);
        await check.WaitForExitAsync(cancellationToken);
        if (check.ExitCode != 0)
            throw new DistributedApplicationException(complaint.Trim());
    }

    private void Create()
    {
        if (!OperatingSystem.IsLinux())
            throw new DistributedApplicationException(
                "PostgreSQL and RabbitMQ run as processes on Linux only. Start Docker or Podman first."
            );

        try
        {
            foreach (var leftover in Directory.GetDirectories(Path.GetTempPath(), $"{Prefix}*").Where(IsLeftOver))
                Remove(leftover);
            const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            Directory.CreateDirectory(Temporary, Owner);
            // A server may run as another user, who must be able to pass through this directory.
            File.SetUnixFileMode(Temporary, Owner | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            File.WriteAllText(Path.Combine(Temporary, "in-use"), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException(
                $"The directory {Temporary} for temporary files cannot be used: {e.Message}"
            );
        }
    }

    // An AppHost that was killed leaves its directory; the number in the name is its process id.
    private static bool IsLeftOver(string directory) =>
        int.TryParse(
            Path.GetFileName(directory)[Prefix.Length..].Split('-')[0],
            CultureInfo.InvariantCulture,
            out var owner
        ) && !Directory.Exists($"/proc/{owner}");

    private static void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It belongs to another user, or a server still writes there. The server's script removes it.
        }
    }
}
