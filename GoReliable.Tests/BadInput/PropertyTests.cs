using System.Net.Http.Headers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.BadInput;

/// <summary>
/// Whatever is sent, the answer is a good one or a problem document with 4xx, and only a good one is stored. A failure names
/// the input, and a seed with which <see cref="Config.WithReplay(Microsoft.FSharp.Core.FSharpOption{Replay})"/> sends it again.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class PropertyTests(SharedPlatform shared)
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(150).WithQuietOnSuccess(true);

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public Task Any_JSON() => BodiesAsync(Inputs.Json.Select(Encoding.UTF8.GetBytes));

    [Fact]
    public Task Any_order_with_another_part() => BodiesAsync(Inputs.AlmostOrder.Select(Encoding.UTF8.GetBytes));

    [Fact]
    public Task Any_order_with_other_bytes() => BodiesAsync(Inputs.DamagedOrder);

    [Fact]
    public Task Any_bytes() => BodiesAsync(Inputs.Bytes);

    [Fact]
    public Task Any_path() => RawAsync(Inputs.UrlPart, part => Get($"/api/v1/orders/{part}"));

    [Fact]
    public Task Any_query() => RawAsync(Inputs.UrlPart, part => Get($"/api/v1/orders?limit={part}&status={part}&cursor={part}&{part}"));

    [Fact]
    public Task Any_idempotency_key() => RawAsync(Inputs.HeaderValue, value => Post($"Idempotency-Key: {value}"));

    [Fact]
    public Task Any_trace_and_any_type() => RawAsync(Inputs.HeaderValue, value => Get("/api/v1/orders", $"traceparent: {value}\r\nAccept: {value}\r\nContent-Type: {value}\r\nCookie: {value}\r\n"));

    private Task BodiesAsync(Gen<byte[]> bodies) => CheckAsync(bodies, async (api, body) =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders) { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } } };
        request.Headers.Authorization = Token();
        using var response = await api.SendAsync(request, CancellationToken.None);
        return new Outcome((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType == "application/problem+json", Rows: response.IsSuccessStatusCode ? 1 : 0);
    });

    private Task RawAsync(Gen<string> parts, Func<string, string> request) => CheckAsync(parts, async (api, part) =>
    {
        var answer = await RawConnection.ExchangeAsync(api.BaseAddress!, request(part));
        var status = RawConnection.Statuses(answer) is [var single] ? single : 0;
        // Kestrel's own answer to what is no request has no body. A stored order has a key here.
        return new Outcome(status, RawConnection.IsBare(answer) || answer.Contains("application/problem+json", StringComparison.Ordinal), Rows: status == 201 ? 2 : 0);
    });

    private async Task CheckAsync<T>(Gen<T> inputs, Func<HttpClient, T, Task<Outcome>> send)
    {
        var watch = await Watch.BeginAsync(platform);
        var stored = 0L;
        foreach (var service in new[] { "gateway", "orders" })
        {
            using var api = platform.Client(service, customer: null);
            // FsCheck calls and waits; not on a thread of xunit's, which has few.
            await Task.Run(
                () => Prop.ForAll(inputs.ToArbitrary(), input =>
                {
                    var outcome = send(api, input).GetAwaiter().GetResult();
                    stored += outcome.Rows;
                    return outcome.IsGood.Label($"{service} answered {outcome.Status}");
                }).Check(Thorough),
                TestContext.Current.CancellationToken);
        }
        await watch.EndAsync(stored);
    }

    private string Get(string target, string headers = "") => $"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\n{headers}\r\n";

    private string Post(string header) =>
        $"POST {OrdersClient.Orders} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\nContent-Type: application/json\r\nContent-Length: {Bodies.Good.Length}\r\n{header}\r\n\r\n{Bodies.Good}";

    // A customer of its own each: nobody is refused because he asks too often, and no key is used twice.
    private AuthenticationHeaderValue Token() => platform.Tokens.Bearer($"mallory-{Guid.NewGuid():N}");

    private readonly record struct Outcome(int Status, bool IsProblem, int Rows)
    {
        public bool IsGood => Status is 200 or 201 || (Status is >= 400 and < 500 && IsProblem);
    }
}
