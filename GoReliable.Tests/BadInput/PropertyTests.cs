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

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_JSON(string service) => BodiesAsync(service, Inputs.Json.Select(Encoding.UTF8.GetBytes));

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_order_with_another_part(string service) => BodiesAsync(service, Inputs.AlmostOrder.Select(Encoding.UTF8.GetBytes));

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_order_with_other_bytes(string service) => BodiesAsync(service, Inputs.DamagedOrder);

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_bytes(string service) => BodiesAsync(service, Inputs.Bytes);

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_path(string service) => RawAsync(service, Inputs.UrlPart, part => Get($"/api/v1/orders/{part}"));

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_query(string service) => RawAsync(service, Inputs.UrlPart, part => Get($"/api/v1/orders?limit={part}&status={part}&cursor={part}&{part}"));

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_idempotency_key(string service) => RawAsync(service, Inputs.HeaderValue, value => Post($"Idempotency-Key: {value}"));

    [Theory, InlineData("gateway"), InlineData("orders")]
    public Task Any_trace_and_any_type(string service) => RawAsync(service, Inputs.HeaderValue, value => Get("/api/v1/orders", $"traceparent: {value}\r\nAccept: {value}\r\nContent-Type: {value}\r\nCookie: {value}\r\n"));

    private async Task BodiesAsync(string service, Gen<byte[]> bodies)
    {
        using var client = platform.Client(service, customer: null);
        var stored = 0L;
        var watch = await Watch.BeginAsync(platform);
        await CheckAsync(bodies.ToArbitrary(), async body =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders) { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } } };
            request.Headers.Authorization = Token();
            using var response = await client.SendAsync(request, CancellationToken.None);
            stored += response.IsSuccessStatusCode ? 1 : 0;
            return (int)response.StatusCode == 201 || ((int)response.StatusCode is >= 400 and < 500 && response.Content.Headers.ContentType?.MediaType == "application/problem+json");
        });
        await watch.EndAsync(stored);
    }

    private async Task RawAsync(string service, Gen<string> parts, Func<string, string> request)
    {
        using var api = platform.Client(service, customer: null);
        var stored = 0L;
        var watch = await Watch.BeginAsync(platform);
        await CheckAsync(parts.ToArbitrary(), async part =>
        {
            var answer = await RawConnection.ExchangeAsync(api.BaseAddress!, request(part));
            if (RawConnection.Statuses(answer) is not [var status])
                return false;
            // An order and its key.
            stored += status == 201 ? 2 : 0;
            return status is 200 or 201 || (status is >= 400 and < 500 && (RawConnection.IsBare(answer) || answer.Contains("application/problem+json", StringComparison.Ordinal)));
        });
        await watch.EndAsync(stored);
    }

    // FsCheck calls and waits; not on a thread of xunit's, which has few.
    private static Task CheckAsync<T>(Arbitrary<T> inputs, Func<T, Task<bool>> holds) =>
        Task.Run(() => Prop.ForAll(inputs, input => holds(input).GetAwaiter().GetResult()).Check(Thorough));

    private string Get(string target, string headers = "") => $"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\n{headers}\r\n";

    private string Post(string header) =>
        $"POST {OrdersClient.Orders} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\nContent-Type: application/json\r\nContent-Length: {Bodies.Good.Length}\r\n{header}\r\n\r\n{Bodies.Good}";

    // A customer of its own each: nobody is refused because he asks too often, and no key is used twice.
    private AuthenticationHeaderValue Token() => platform.Tokens.Bearer($"mallory-{Guid.NewGuid():N}");
}
