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

    private ProcessFiles(string appHost)
    {
        scripts = Path.Combine(appHost, "Processes");
        data = Path.GetFullPath(Path.Combine(appHost, "..", ".data"));
        Temporary = Path.Combine(
            Path.GetTempPath(),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}")
        );
    }

    /// <summary>A directory that is removed when the application ends.</summary>
    public string Temporary { get; }

    /// <summary>The files of an application; there is one instance for each application.</summary>
    public static ProcessFiles Of(IDistributedApplicationBuilder builder)
    {
        if (
            builder
                .Services.FirstOrDefault(service => service.ServiceType == typeof(ProcessFiles))
                ?.ImplementationInstance
            is ProcessFiles existing
        )
            return existing;

        var files = new ProcessFiles(builder.AppHostDirectory);
        builder.Services.AddSingleton(files);
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (@event, _) =>
            {
                files.Create();
                @event
                    .Services.GetRequiredService<IHostApplicationLifetime>()
                    .ApplicationStopped.Register(() => Remove(files.Temporary));
                return Task.CompletedTask;
            }
        );
        return files;
    }

    public string Script(string name) => Path.Combine(scripts, name);

    /// <summary>The environment variables that a script reads.</summary>
    /// <param name="server">The resource that the script starts.</param>
    /// <param name="keepsData">Whether its data is kept for the next run.</param>
    public IEnumerable<(string Name, string Value)> Variables(ExecutableResource server, bool keepsData) =>
        [
            ("DATA", Path.Combine(keepsData ? data : Temporary, server.Name)),
            ("TEMPORARY", Temporary),
            ("APPHOST", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)),
        ];

    /// <summary>Asks a script what is in the way of a start.</summary>
    /// <exception cref="DistributedApplicationException">
    /// Something is in the way; the message is the script's sentence.
    /// </exception>
    public async Task CheckAsync(ExecutableResource server, bool keepsData, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(server.Command, ["check"]) { RedirectStandardError = true };
        foreach (var (name, value) in Variables(server, keepsData))
            start.Environment[name] = value;

        using var check = Process.Start(start)!;
        var says = await check.StandardError.ReadToEndAsync(cancellationToken);
        await check.WaitForExitAsync(cancellationToken);
        if (check.ExitCode != 0)
            throw new DistributedApplicationException(says.Trim());
    }

    private void Create()
    {
        if (!OperatingSystem.IsLinux())
            throw new DistributedApplicationException(
                "PostgreSQL and RabbitMQ run as processes on Linux only. Start Docker or Podman first."
            );

        try
        {
            foreach (var left in Directory.GetDirectories(Path.GetTempPath(), $"{Prefix}*").Where(IsLeftOver))
                Remove(left);
            Directory.CreateDirectory(
                Temporary,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
            // A server may run as another user, who must be able to pass through this directory.
            File.SetUnixFileMode(
                Temporary,
                File.GetUnixFileMode(Temporary) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute
            );
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
