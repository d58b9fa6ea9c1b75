using System.Text.Json;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>A service's process that was started with <c>migrate</c>, after its end.</summary>
internal sealed record Migration(int ExitCode, IReadOnlyList<string> Output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>How many scripts it says it has run, after it ended well.</summary>
    public int Applied()
    {
        Assert.True(ExitCode == 0, string.Join('\n', Output));
        return Assert.Single(Events("schema.upgraded")).GetProperty("applied").GetInt32();
    }

    /// <summary>How many scripts a service has.</summary>
    public static int Scripts(string service) =>
        Directory.GetFiles(Path.Combine(AppHostRun.Repository, $"GoReliable.{service}", "Schema"), "*.sql").Length;

    /// <summary>The log lines with this event name.</summary>
    public IEnumerable<JsonElement> Events(string name) =>
        Output
            .Select(line => JsonElement.Parse(line))
            .Where(line => line.TryGetProperty("event", out var found) && found.GetString() == name);

    /// <summary>Runs it to its end, in production, without any setting but its database.</summary>
    /// <param name="service"><c>Orders</c> or <c>Notifications</c>.</param>
    /// <param name="database">Connection string.</param>
    /// <param name="settings">More environment variables.</param>
    public static async Task<Migration> RunAsync(
        string service,
        string database,
        params (string Name, string Value)[] settings
    )
    {
        var environment = new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            [$"ConnectionStrings__{service.ToLowerInvariant()}-db"] = database,
        };
        foreach (var (name, value) in settings)
            environment[name] = value;

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Patience);
        using var process = await TiedProcess.StartDotnetAsync(
            [Path.Combine(AppContext.BaseDirectory, $"GoReliable.{service}.dll"), "migrate"],
            environment
        );
        var output = new List<string>();
        try
        {
            var written = process.StandardError.ReadToEndAsync(timeout.Token);
            while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
                output.Add(line);
            await process.WaitForExitAsync(timeout.Token);
            Assert.Empty(await written);
            return new(process.ExitCode, output);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"{service} migrate did not end within {Patience}. It wrote:\n{string.Join('\n', output)}"
            );
        }
        finally
        {
            process.Kill();
        }
    }
}
