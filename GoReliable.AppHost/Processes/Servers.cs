using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>Whether PostgreSQL, RabbitMQ and Prometheus run in containers or as processes of this machine.</summary>
/// <param name="AreProcesses">Processes, and not containers.</param>
/// <param name="Why">The reason, as a sentence for the log.</param>
internal sealed record Servers(bool AreProcesses, string Why)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Containers where a container runtime answers, processes where none does; <c>--Servers=containers</c> or
    /// <c>--Servers=processes</c> sets it explicitly. When publishing, no runtime is asked: the manifest has
    /// containers.
    /// </summary>
    /// <remarks>With any other value of <c>Servers</c> the application does not start.</remarks>
    public static Servers Choose(IDistributedApplicationBuilder builder) =>
        builder switch
        {
            { ExecutionContext.IsRunMode: false } => new(false, "A manifest has containers."),
            _ => builder.Configuration["Servers"] switch
            {
                null or "" => AskRuntimes(builder.Configuration["ASPIRE_CONTAINER_RUNTIME"]),
                "containers" => new(false, "Servers=containers is set."),
                "processes" => new(true, "Servers=processes is set."),
                var other => Refuse(builder, $"Servers is 'containers' or 'processes', not '{other}'."),
            },
        };

    private static Servers Refuse(IDistributedApplicationBuilder builder, string why)
    {
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => throw new DistributedApplicationException(why));
        return new(false, why);
    }

    /// <summary>Says in the log, at the start, what was chosen and what is left out.</summary>
    public void Announce(IDistributedApplicationBuilder builder) =>
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (@event, _) =>
            {
                @event.Services.GetRequiredService<ILogger<Servers>>().ServersAreProcesses(Why);
                return Task.CompletedTask;
            }
        );

    // A command-line client without a daemon is not a runtime: many machines have one.
    private static Servers AskRuntimes(string? chosen)
    {
        string[] runtimes = chosen is { Length: > 0 } ? [chosen] : ["docker", "podman"];
        var problems = new List<string>();
        foreach (var runtime in runtimes)
        {
            if (FindProblem(runtime) is not { } problem)
                return new(false, $"'{runtime}' answers.");
            problems.Add(problem);
        }
        return new(true, $"No container runtime answers: {string.Join(", ", problems)}.");
    }

    /// <returns>Null if it answers, otherwise what is wrong with it.</returns>
    private static string? FindProblem(string runtime)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(runtime, ["ps", "--quiet"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            if (!process.WaitForExit(Timeout))
            {
                process.Kill(entireProcessTree: true);
                return $"'{runtime}' did not answer within {Timeout.TotalSeconds} seconds";
            }
            return process.ExitCode == 0 ? null : $"'{runtime}' is installed, but its daemon does not answer";
        }
        catch (Win32Exception)
        {
            return $"'{runtime}' is not installed";
        }
    }
}
