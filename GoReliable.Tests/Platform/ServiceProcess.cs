using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace GoReliable.Tests.Platform;

/// <summary>One service alone, as a process: with nothing that it depends on, unless its settings name it.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly ConcurrentDictionary<int, int> GivenPorts = [];

    private readonly ConcurrentQueue<string> output = [];
    private readonly Process process;
    private readonly string name;
    private bool isDisposed;

    private ServiceProcess(string name, Process process) => (this.name, this.process) = (name, process);

    /// <summary>The public port.</summary>
    public required HttpClient Client { get; init; }

    /// <summary>The management port.</summary>
    public required HttpClient Management { get; init; }

    /// <summary>Every line on stdout and stderr so far.</summary>
    public IReadOnlyCollection<string> Output => output;

    /// <summary>
    /// Starts the service and waits until it is alive. If the settings name no environment, it runs in Development, but
    /// with JSON logs.
    /// </summary>
    /// <param name="name"><c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</param>
    /// <param name="settings">More environment variables; of two with one name, the last.</param>
    /// <exception cref="InvalidOperationException">It ended; with what it wrote.</exception>
    public static async Task<ServiceProcess> StartAsync(string name, params (string Name, string Value)[] settings)
    {
        var service = await LaunchAsync(name, settings);
        try
        {
            await Poll.UntilAsync(
                $"{name} alive",
                async () =>
                    service.process.HasExited
                    || (
                        await service.Management.GetAsync("/health/live", TestContext.Current.CancellationToken)
                    ).IsSuccessStatusCode,
                alive => alive,
                Patience
            );
            if (!service.process.HasExited)
                return service;
            // What it wrote may still be on its way.
            await service.WaitForExitAsync();
            throw new InvalidOperationException($"It ended. {service}");
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it and waits until it has ended.</summary>
    /// <returns>Its exit code, and what it wrote.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string name,
        params (string Name, string Value)[] settings
    )
    {
        await using var service = await LaunchAsync(name, settings);
        return (await service.WaitForExitAsync(), string.Join('\n', service.output));
    }

    /// <summary>The lines that are JSON objects.</summary>
    public IEnumerable<JsonElement> Events() =>
        output.Where(line => line.StartsWith('{')).Select(line => JsonElement.Parse(line));

    /// <summary>The log lines with this event name.</summary>
    public IReadOnlyList<JsonElement> Events(string @event) =>
        [.. Events().Where(line => line.TryGetProperty("event", out var found) && found.GetString() == @event)];

    /// <summary>Waits until it has logged that.</summary>
    public Task<IReadOnlyList<JsonElement>> WaitForEventAsync(string @event) =>
        Poll.UntilAsync(
            $"{@event} in the log of {name}",
            () => Task.FromResult(Events(@event)),
            events => events.Count > 0
        );

    /// <summary>A port that nobody listens on now, and that nobody else gets from here.</summary>
    public static int FreePort()
    {
        while (true)
        {
            // Below those that the system gives to whoever connects somewhere: one of them could be taken before it is
            // used.
            var port = Random.Shared.Next(10_000, 32_768);
            if (!GivenPorts.TryAdd(port, port))
                continue;
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }

    /// <summary>What a probe is told.</summary>
    /// <param name="probe"><c>live</c>, <c>ready</c> or <c>startup</c>.</param>
    public async Task<(int Status, string Body)> HealthAsync(string probe)
    {
        using var answer = await Management.GetAsync($"/health/{probe}", TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Waits until it wants requests.</summary>
    public Task WaitUntilReadyAsync() =>
        Poll.UntilAsync(
            $"{name} ready",
            async () => (await HealthAsync("ready")).Status,
            status => status == 200,
            Patience
        );

    /// <summary>Asks it to stop, as an orchestrator does.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> WaitForExitAsync()
    {
        try
        {
            await process
                .WaitForExitAsync(TestContext.Current.CancellationToken)
                .WaitAsync(Patience, TestContext.Current.CancellationToken);
            return process.ExitCode;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"After {Patience} it has not ended: {this}");
        }
    }

    public ValueTask DisposeAsync()
    {
        if (isDisposed)
            return ValueTask.CompletedTask;

        isDisposed = true;
        process.Kill();
        process.Dispose();
        Client.Dispose();
        Management.Dispose();
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"{name} wrote:\n{string.Join('\n', output)}";

    private static async Task<ServiceProcess> LaunchAsync(string name, (string Name, string Value)[] settings)
    {
        var environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{FreePort()}",
            ["MANAGEMENT_PORT"] = $"{FreePort()}",
        };
        if (settings.All(setting => setting.Name != "ASPNETCORE_ENVIRONMENT"))
            settings =
            [
                ("ASPNETCORE_ENVIRONMENT", "Development"),
                ("Logging__Console__FormatterName", "json-line"),
                .. settings,
            ];
        foreach (var (variable, value) in settings)
            environment[variable] = value;

        var process = await TiedProcess.StartDotnetAsync(
            [Path.Combine(AppContext.BaseDirectory, $"GoReliable.{name}.dll")],
            environment
        );
        var service = new ServiceProcess(name, process)
        {
            Client = new() { BaseAddress = new Uri(environment["ASPNETCORE_URLS"]) },
            Management = new() { BaseAddress = new Uri($"http://127.0.0.1:{environment["MANAGEMENT_PORT"]}") },
        };
        service.process.OutputDataReceived += service.Keep;
        service.process.ErrorDataReceived += service.Keep;
        service.process.BeginOutputReadLine();
        service.process.BeginErrorReadLine();
        return service;
    }

    private void Keep(object sender, DataReceivedEventArgs data)
    {
        if (data.Data is { } line)
            output.Enqueue(line);
    }
}
