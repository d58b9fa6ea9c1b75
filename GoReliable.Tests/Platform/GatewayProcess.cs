using System.Diagnostics;
using System.Text.Json;

namespace GoReliable.Tests.Platform;

/// <summary>The gateway alone, as a process of its own, in front of any address.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    /// <summary>Signs <see cref="Tokens"/>; in Base64.</summary>
    public static readonly string SigningKey = TokenIssuer.NewKey();

    /// <summary>Makes a service accept <see cref="Tokens"/>.</summary>
    public static readonly (string Name, string Value)[] WithSigningKey =
    [
        ("Authentication__Schemes__Bearer__ValidIssuer", TokenIssuer.DevelopmentIssuer),
        ("Authentication__Schemes__Bearer__SigningKeys__0__Issuer", TokenIssuer.DevelopmentIssuer),
        ("Authentication__Schemes__Bearer__SigningKeys__0__Value", SigningKey),
    ];

    /// <summary>
    /// Settings of a gateway that gives up soon, for tests of what it does then; all others survive a busy machine.
    /// </summary>
    public static readonly (string Name, string Value)[] Impatient =
    [
        ("Resilience__TotalTimeout", "00:00:03"),
        ("Resilience__TryTimeout", "00:00:01"),
    ];

    private readonly ServiceProcess process;

    private GatewayProcess(ServiceProcess process)
    {
        this.process = process;
        Client.DefaultRequestHeaders.Authorization = Tokens.Bearer("alice");
    }

    /// <summary>Makes tokens that it accepts, unless its settings name an environment.</summary>
    public static TokenIssuer Tokens { get; } = TokenIssuer.Development(SigningKey);

    /// <summary>The public port; its requests have a customer's token.</summary>
    public HttpClient Client => process.Client;

    /// <summary>The management port.</summary>
    public HttpClient Management => process.Management;

    /// <summary>Every line on stdout and stderr so far.</summary>
    public IReadOnlyCollection<string> Output => process.Output;

    /// <summary>The lines that are JSON objects, which outside Development all should be.</summary>
    public IEnumerable<JsonElement> Events => process.Events();

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="orders">
    /// Replicas of the order service; every other destination is a port where nobody listens.
    /// </param>
    /// <param name="settings">
    /// More environment variables. Without ASPNETCORE_ENVIRONMENT it takes <see cref="Tokens"/>, and logs as in
    /// production.
    /// </param>
    /// <exception cref="InvalidOperationException">It ended; with what it wrote.</exception>
    public static async Task<GatewayProcess> StartAsync(Uri[] orders, params (string Name, string Value)[] settings) =>
        new(await ServiceProcess.StartAsync("Gateway", Settings(orders, settings)));

    /// <summary>The settings of a gateway in front of some order services.</summary>
    public static (string Name, string Value)[] Settings(Uri[] orders, (string Name, string Value)[] more)
    {
        var isNamed = more.Any(setting => setting.Name == "ASPNETCORE_ENVIRONMENT");
        return
        [
            ("Resilience__TotalTimeout", "00:00:30"),
            ("Resilience__TryTimeout", "00:00:10"),
            // Tests are one customer at one address, who sends as fast as it can.
            ("RateLimits__PerAddress__PermitsPerSecond", "100000"),
            ("RateLimits__PerAddress__Burst", "100000"),
            ("RateLimits__PerCustomer__PermitsPerSecond", "100000"),
            ("RateLimits__PerCustomer__Burst", "100000"),
            ("services__notifications__http__0", $"http://127.0.0.1:{ServiceProcess.FreePort()}"),
            .. orders.Select((address, i) => ($"services__orders__http__{i}", address.ToString())),
            .. isNamed ? [] : WithSigningKey, // outside development no key is accepted
            .. more,
        ];
    }

    /// <summary>What a scrape sees now, without the cache that serves two scrapers at once.</summary>
    public Task<ScrapeText> ScrapeAsync(bool openMetrics = false) => ScrapeText.ReadAsync(Management, openMetrics);

    /// <summary>
    /// Asks it to stop, as an orchestrator does, asserts that it ends in order, and says how long it took.
    /// </summary>
    public async Task<TimeSpan> StopAsync()
    {
        var asked = Stopwatch.GetTimestamp();
        process.Terminate();
        Assert.Equal(0, await process.WaitForExitAsync());
        return Stopwatch.GetElapsedTime(asked);
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
