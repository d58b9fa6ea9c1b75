using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>What only a broker's own tool can do, to one that is a process of this machine.</summary>
internal static class RabbitMqControl
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static bool IsAvailable(GoReliablePlatform platform) =>
        OperatingSystem.IsLinux() && platform.IsProcess("messaging");

    /// <summary>Evaluates an Erlang expression inside the broker; it must end with a full stop.</summary>
    public static async Task EvaluateAsync(GoReliablePlatform platform, string expression)
    {
        // With the broker's own environment, which says where its node is and what its secret.
        var environment = (
            await File.ReadAllTextAsync(
                $"/proc/{platform.ProcessId("messaging")}/environ",
                TestContext.Current.CancellationToken
            )
        )
            .Split('\0')
            .Select(text => text.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        // Erlang's own client: rabbitmqctl is an Erlang machine of its own, which takes a second of CPU to start.
        var start = new ProcessStartInfo("erl_call", ["-sname", environment["RABBITMQ_NODENAME"], "-e"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = environment["HOME"],
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(expression);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process
            .WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(
            process.ExitCode == 0 && (await output).StartsWith("{ok,", StringComparison.Ordinal),
            $"{expression}: {await output} {await error}"
        );
    }
}
