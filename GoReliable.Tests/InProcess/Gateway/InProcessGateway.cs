using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using GoReliable.Gateway;
using GoReliable.ServiceDefaults.Logging;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>
/// The gateway in the process of the tests, on ports of its own: it starts in a moment, where a process takes seconds.
/// </summary>
/// <remarks>
/// Metrics and traces are heard in the whole process, so its tests run one after the other, and tests of traces start a
/// <see cref="GatewayProcess"/>.
/// </remarks>
internal sealed class InProcessGateway : IAsyncDisposable
{
    /// <summary>Collection of the tests that start one.</summary>
    public const string Collection = "gateway in process";

    /// <summary>What <see cref="OrderAsync"/> sends.</summary>
    public const string OrderBody = """{"currency":"EUR"}""";

    private readonly WebApplicationFactory<Telemetry> factory;
    private readonly ConcurrentQueue<string> output = [];

    private InProcessGateway(
        string address,
        int management,
        Action<IServiceCollection>? change,
        (string Name, string Value)[] settings
    )
    {
        factory = new WebApplicationFactory<Telemetry>().WithWebHostBuilder(web =>
        {
            web.UseSetting("URLS", address).UseSetting("MANAGEMENT_PORT", $"{management}");
            foreach (var (name, value) in settings)
                web.UseSetting(Key(name), value);
            web.ConfigureTestServices(services =>
            {
                services.RemoveAll<ILoggerProvider>();
                services.AddSingleton<ILoggerProvider>(provider => new JsonConsole(
                    provider.GetRequiredService<JsonLine>(),
                    Keep
                ));
                services.AddSingleton<TimeProvider>(new QuickLook());
                change?.Invoke(services);
            });
        });
        factory.UseKestrel();
        Client = new() { BaseAddress = new(address) };
        Client.DefaultRequestHeaders.Authorization = GatewayProcess.Tokens.Bearer("alice");
        Management = new() { BaseAddress = new($"http://127.0.0.1:{management}") };
    }

    /// <summary>The public port; its requests have a customer's token.</summary>
    public HttpClient Client { get; }

    /// <summary>The management port.</summary>
    public HttpClient Management { get; }

    /// <summary>Every line that it logged so far, as in production.</summary>
    public IReadOnlyCollection<string> Output => output;

    /// <summary>The same, read.</summary>
    public IEnumerable<JsonElement> Events => output.Select(line => JsonElement.Parse(line));

    /// <summary>Starts it.</summary>
    /// <param name="orders">
    /// Replicas of the order service; every other destination is a port where nobody listens.
    /// </param>
    /// <param name="settings">More settings, named like environment variables.</param>
    public static Task<InProcessGateway> StartAsync(Uri[] orders, params (string Name, string Value)[] settings) =>
        StartAsync(orders, change: null, settings);

    /// <summary>Starts it with some of its services changed.</summary>
    public static async Task<InProcessGateway> StartAsync(
        Uri[] orders,
        Action<IServiceCollection>? change,
        params (string Name, string Value)[] settings
    )
    {
        var gateway = new InProcessGateway(
            $"http://127.0.0.1:{ServiceProcess.FreePort()}",
            ServiceProcess.FreePort(),
            change,
            GatewayProcess.Settings(orders, [("Shutdown__Deadline", "00:00:01"), .. settings])
        );
        await Task.Run(gateway.factory.StartServer, TestContext.Current.CancellationToken);
        return gateway;
    }

    /// <summary>Asks for the orders.</summary>
    /// <param name="customer">Who asks; alice, if not given.</param>
    /// <param name="address">What a proxy says about the client's address, if anything.</param>
    public Task<HttpResponseMessage> ListAsync(string? customer = null, string? address = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, OrdersClient.Orders);
        if (customer is not null)
            request.Headers.Authorization = GatewayProcess.Tokens.Bearer(customer);
        if (address is not null)
            request.Headers.Add("X-Forwarded-For", address);
        return Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Asks for them so many times at once.</summary>
    public Task<HttpResponseMessage[]> ListAsync(int times) =>
        Task.WhenAll(Enumerable.Range(0, times).Select(_ => ListAsync()));

    /// <summary>Sends an order, with an idempotency key unless that is null.</summary>
    public Task<HttpResponseMessage> OrderAsync(string? key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
        {
            Content = new StringContent(OrderBody, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>The log lines with this event name.</summary>
    public IReadOnlyList<JsonElement> EventsOf(string name) =>
        [.. Events.Where(line => line.TryGetProperty("event", out var found) && found.GetString() == name)];

    /// <summary>Waits until it has logged so many of them.</summary>
    public Task<IReadOnlyList<JsonElement>> WaitForEventsAsync(string name, int count = 1) =>
        Poll.UntilAsync(
            $"{count} of {name} in the log",
            () => Task.FromResult(EventsOf(name)),
            events => events.Count >= count
        );

    /// <summary>What a scrape sees now.</summary>
    public Task<ScrapeText> ScrapeAsync() => ScrapeText.ReadAsync(Management);

    /// <summary>Waits until a series, named as it is exposed, has this value.</summary>
    public Task<ScrapeText> WaitForAsync(string series, int value) =>
        Poll.UntilAsync($"{series} {value}", ScrapeAsync, scrape => scrape.Value(series) == value);

    /// <summary>The series of the requests that were rejected for this reason.</summary>
    public static string Rejected(string reason) =>
        $"goreliable_api_gateway_requests_rejected_total{{reason=\"{reason}\"}}";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Management.Dispose();
        await factory.DisposeAsync();
    }

    // As .NET reads environment variables.
    private static string Key(string variable) => variable.Replace("ASPNETCORE_", "").Replace("__", ":");

    private void Keep(ReadOnlyMemory<byte> lines)
    {
        foreach (var line in Encoding.UTF8.GetString(lines.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            output.Enqueue(line);
    }

    /// <summary>A time in which the gateway looks at its file of settings as often as a test does.</summary>
    private sealed class QuickLook : TimeProvider
    {
        private static readonly TimeSpan Usual = TimeSpan.FromSeconds(4);
        private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(50);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period == Usual
                ? base.CreateTimer(callback, state, Quick, Quick)
                : base.CreateTimer(callback, state, dueTime, period);
    }
}

[CollectionDefinition(InProcessGateway.Collection)]
public sealed class InProcessGatewayTests;
