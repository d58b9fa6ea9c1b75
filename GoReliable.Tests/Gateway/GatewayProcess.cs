using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Gateway;

/// <summary>The gateway alone, as a process of its own, in front of any address.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly string SigningKey = TokenIssuer.NewKey();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly (string Name, string Value)[] WithSigningKey =
    [
        ("ASPNETCORE_ENVIRONMENT", "Development"), // elsewhere no key is accepted
        ("Authentication__Schemes__Bearer__ValidIssuer", TokenIssuer.DevelopmentIssuer),
        ("Authentication__Schemes__Bearer__SigningKeys__0__Issuer", TokenIssuer.DevelopmentIssuer),
        ("Authentication__Schemes__Bearer__SigningKeys__0__Value", SigningKey),
        ("Logging__Console__FormatterName", "json-line"),
    ];

    private readonly Process process;
    private readonly ConcurrentQueue<string> output = [];
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private GatewayProcess(Process process) => this.process = process;

    /// <summary>Makes tokens that it accepts, unless its settings name an environment.</summary>
    public static TokenIssuer Tokens { get; } = TokenIssuer.Development(SigningKey);

    /// <summary>The public port; its requests have a customer's token.</summary>
    public required HttpClient Client { get; init; }

    /// <summary>The management port.</summary>
    public required HttpClient Management { get; init; }

    /// <summary>Every line on stdout and stderr so far.</summary>
    public IReadOnlyCollection<string> Output => output;

    /// <summary>The lines that are JSON objects, which outside Development all should be.</summary>
    public IEnumerable<JsonElement> Events => Output.Where(line => line.StartsWith('{')).Select(line => JsonElement.Parse(line));

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="orders">Replicas of the order service; every other destination is a port where nobody listens.</param>
    /// <param name="settings">More environment variables. Without ASPNETCORE_ENVIRONMENT it takes <see cref="Tokens"/>, and logs as in production.</param>
    public static async Task<GatewayProcess> StartAsync(Uri[] orders, params (string Name, string Value)[] settings)
    {
        var (port, managementPort, nobody) = (FreePort(), FreePort(), FreePort());
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "GoReliable.Gateway.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
                ["MANAGEMENT_PORT"] = $"{managementPort}",
                ["Resilience__TotalTimeout"] = "00:00:03",
                ["Resilience__TryTimeout"] = "00:00:01",
                // Tests are one customer at one address, who sends as fast as it can.
                ["RateLimits__PerAddress__PermitsPerSecond"] = "100000",
                ["RateLimits__PerAddress__Burst"] = "100000",
                ["RateLimits__PerCustomer__PermitsPerSecond"] = "100000",
                ["RateLimits__PerCustomer__Burst"] = "100000",
                ["services__notifications__http__0"] = $"http://127.0.0.1:{nobody}",
            },
        };
        for (var i = 0; i < orders.Length; i++)
            start.Environment[string.Create(CultureInfo.InvariantCulture, $"services__orders__http__{i}")] = orders[i].ToString();
        if (!settings.Any(setting => setting.Name == "ASPNETCORE_ENVIRONMENT"))
            settings = [.. WithSigningKey, .. settings];
        foreach (var (name, value) in settings)
            start.Environment[name] = value;

        var gateway = new GatewayProcess(Process.Start(start)!)
        {
            Client = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}"), DefaultRequestHeaders = { Authorization = Tokens.Bearer("alice") } },
            Management = new() { BaseAddress = new Uri($"http://127.0.0.1:{managementPort}") },
        };
        try
        {
            gateway.Read();
            await gateway.started.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
            return gateway;
        }
        catch (TimeoutException)
        {
            await gateway.DisposeAsync();
            throw new TimeoutException($"The gateway had not started after {Patience}. It wrote:\n{string.Join('\n', gateway.Output)}");
        }
    }

    /// <summary>A port that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What a scrape sees now, without the cache that serves two scrapers at once.</summary>
    public async Task<ScrapeText> ScrapeAsync(bool openMetrics = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (openMetrics)
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/openmetrics-text; version=1.0.0"));
        using var response = await Management.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return new(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Asks it to stop, as an orchestrator does, and says how long it took.</summary>
    public async Task<TimeSpan> StopAsync()
    {
        var asked = Stopwatch.GetTimestamp();
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        return Stopwatch.GetElapsedTime(asked);
    }

    public ValueTask DisposeAsync()
    {
        process.Kill();
        process.Dispose();
        Client.Dispose();
        Management.Dispose();
        return ValueTask.CompletedTask;
    }

    // What it wrote may still be on its way when it has ended.
    private async Task EndedAsync()
    {
        await process.WaitForExitAsync(CancellationToken.None);
        started.TrySetException(new InvalidOperationException($"The gateway ended. It wrote:\n{string.Join('\n', output)}"));
    }

    private void Read()
    {
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _ = EndedAsync();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        void Keep(object sender, DataReceivedEventArgs data)
        {
            if (data.Data is not { } line)
                return;
            output.Enqueue(line);
            if (line.Contains("Application started", StringComparison.Ordinal))
                started.TrySetResult();
        }
    }
}
