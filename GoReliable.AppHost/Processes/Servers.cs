using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>Whether PostgreSQL, RabbitMQ and Prometheus run in containers or as processes of this machine.</summary>
/// <param name="Files">What the processes need; null where servers are containers.</param>
internal sealed record Servers(ProcessFiles? Files)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Containers where a container runtime answers, processes where none does; <c>--Servers=containers</c> or
    /// <c>--Servers=processes</c> sets it explicitly, and with any other value the application does not start. When
    /// publishing, no runtime is asked: the manifest has containers.
    /// </summary>
    public static Servers Choose(IDistributedApplicationBuilder builder)
    {
        if (WhyProcesses(builder) is not { } why)
            return new(Files: null);
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (@event, _) =>
            {
                @event.Services.GetRequiredService<ILogger<Servers>>().ServersAreProcesses(why);
                return Task.CompletedTask;
            }
        );
        return new(new ProcessFiles(builder));
    }

    /// <returns>A sentence for the log, or null for containers.</returns>
    private static string? WhyProcesses(IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsRunMode)
            return null;
        switch (builder.Configuration["Servers"])
        {
            case null or "":
                return AskRuntimes(builder.Configuration["ASPIRE_CONTAINER_RUNTIME"]);
            case "containers":
                return null;
            case "processes":
                return "Servers=processes is set.";
            case var other:
                builder.Eventing.Subscribe<BeforeStartEvent>(
                    (_, _) =>
                        throw new DistributedApplicationException(
                            $"Servers is 'containers' or 'processes', not '{other}'."
                        )
                );
                return null;
        }
    }

    // A command-line client without a daemon is not a runtime: many machines have one.
    private static string? AskRuntimes(string? chosen)
    {
        string[] runtimes = chosen is { Length: > 0 } ? [chosen] : ["docker", "podman"];
        var problems = new List<string>();
        foreach (var runtime in runtimes)
        {
            if (FindProblem(runtime) is not { } problem)
                return null;
            problems.Add(problem);
        }
        return $"No container runtime answers: {string.Join(", ", problems)}.";
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
