using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// Customers that order at a fixed rate, whatever becomes of their orders (open loop), and remember what was promised
/// to them. Four of five send an Idempotency-Key, and try again with it until they have an answer; the fifth tries
/// once.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    /// <summary>Orders a second that must be offered while something is broken.</summary>
    public const int PromisedRate = 200;

    private const int Rate = 210;
    private const int Customers = 20;

    // Per customer. All customers together have more connections than the gateway has slots.
    private const int MaxConnections = 25;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient[] clients;
    private readonly Task offering;
    private int offered;
    private int accepted;

    private Load(GoReliablePlatform platform, string name)
    {
        Names =
        [
            .. Enumerable
                .Range(0, Customers)
                .Select(i => string.Create(CultureInfo.InvariantCulture, $"{name}-{i:00}")),
        ];
        clients = [.. Names.Select(customer => Client(platform, customer))];
        Started = Stopwatch.GetTimestamp();
        offering = Task.Run(OfferAsync);
    }

    /// <summary>Who orders.</summary>
    public string[] Names { get; }

    /// <summary>Timestamp of the first order.</summary>
    public long Started { get; }

    /// <summary>Every order, from the moment when it is due.</summary>
    public ConcurrentQueue<Purchase> Purchases { get; } = [];

    /// <summary>Number of requests to create an order, repeated ones counted.</summary>
    public int Requests;

    /// <summary>Starts ordering.</summary>
    /// <param name="platform">Where.</param>
    /// <param name="name">What the customers' names begin with.</param>
    public static Load Start(GoReliablePlatform platform, string name) => new(platform, name);

    /// <summary>Waits until that many more orders were offered: time passes, and the load with it.</summary>
    public Task OfferMoreAsync(int count)
    {
        var target = Volatile.Read(ref offered) + count;
        return Poll.UntilAsync(
            $"{target} offered orders",
            () => Task.FromResult(Volatile.Read(ref offered)),
            now => now >= target,
            Patience
        );
    }

    /// <summary>Waits until that many more orders were accepted.</summary>
    public Task AcceptMoreAsync(int count)
    {
        var target = Volatile.Read(ref accepted) + count;
        return Poll.UntilAsync(
            $"{target} accepted orders",
            () => Task.FromResult(Volatile.Read(ref accepted)),
            now => now >= target,
            Patience
        );
    }

    /// <summary>Offers no more, and waits until nobody waits for an answer.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await offering;
        await Task.WhenAll(Purchases.Select(purchase => purchase.Ended))
            .WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await offering;
        foreach (var client in clients)
            client.Dispose();
        stop.Dispose();
    }

    // The token stays valid during a soak of hours, and for services whose clocks are an hour off.
    private static HttpClient Client(GoReliablePlatform platform, string customer)
    {
        var token = platform.Tokens.Issue(customer, change: token =>
            (token.NotBefore, token.Expires) = (DateTime.UtcNow.AddDays(-1), DateTime.UtcNow.AddDays(1))
        );
        using var gateway = platform.Client(customer: null);
        return new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = MaxConnections })
        {
            BaseAddress = gateway.BaseAddress,
            Timeout = AnswerTimeout,
            DefaultRequestHeaders = { Authorization = new("Bearer", token) },
        };
    }

    private async Task OfferAsync()
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!stop.IsCancellationRequested)
        {
            // Behind after a hiccup: catch up, and let the late ones count as late.
            for (
                var due = (int)(Stopwatch.GetElapsedTime(Started).TotalSeconds * Rate);
                offered < due;
                Interlocked.Increment(ref offered)
            )
            {
                var purchase = new Purchase(
                    offered,
                    Started + (long)((double)offered / Rate * Stopwatch.Frequency),
                    Names[offered % Customers]
                );
                purchase.Ended = BuyAsync(purchase, clients[offered % Customers]);
                Purchases.Enqueue(purchase);
            }
            await tick.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private async Task BuyAsync(Purchase purchase, HttpClient client)
    {
        purchase.Offered = Stopwatch.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(200); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var retryAfter = await TryAsync(purchase, client);
            if (purchase.Answered is { } order)
            {
                Interlocked.Increment(ref accepted);
                if (purchase.IsToBeConfirmed)
                    await ConfirmAsync(order, purchase, client);
                return;
            }
            if (purchase.Key is null || purchase.Refused is not null)
                return;
            // The customer's own patience, which is part of the load: the test waits for nothing here.
            var jitter = 0.5 + Random.Shared.NextDouble();
            await Task.Delay((retryAfter is { } wait && wait < LongestPause ? wait : pause) * jitter);
        }
    }

    /// <returns>What the server asks for before the next try, if it does.</returns>
    private async Task<TimeSpan?> TryAsync(Purchase purchase, HttpClient client)
    {
        Interlocked.Increment(ref Requests);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
            {
                Content = JsonContent.Create(purchase.Body),
            };
            if (purchase.Key is not null)
                request.Headers.Add("Idempotency-Key", purchase.Key);
            using var response = await client.SendAsync(request);
            if (response.StatusCode == HttpStatusCode.Created)
                purchase.Accept((await response.ReadAsync<OrderAnswer>()).Id);
            else if (!IsTransient(response.StatusCode))
                purchase.Refused = response.StatusCode;
            return response.Headers.RetryAfter?.Delta;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException)
        {
            // No answer: the order may exist or not, nothing was promised.
            return null;
        }
    }

    private static async Task ConfirmAsync(Guid order, Purchase purchase, HttpClient client)
    {
        try
        {
            using var response = await client.PostAsync($"{OrdersClient.Orders}/{order}/confirm", content: null);
            purchase.IsConfirmed = response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException)
        {
            // As above: it may be confirmed or not.
        }
    }

    // "In flight" among them: the first try with this key has not ended yet.
    private static bool IsTransient(HttpStatusCode status) =>
        status
            is HttpStatusCode.Conflict
                or HttpStatusCode.TooManyRequests
                or HttpStatusCode.BadGateway
                or HttpStatusCode.ServiceUnavailable
                or HttpStatusCode.GatewayTimeout;
}
