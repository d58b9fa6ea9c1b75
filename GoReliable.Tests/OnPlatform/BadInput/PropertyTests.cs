using System.Net.Http.Headers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// Whatever is sent, the answer is a good one or a problem document with 4xx, and only a good one is stored. A failure
/// names the input, and a seed with which <see cref="Config.WithReplay(Microsoft.FSharp.Core.FSharpOption{Replay})"/>
/// sends it again.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class PropertyTests(SharedPlatform shared)
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(150).WithQuietOnSuccess(true);

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public Task Any_JSON_body_gets_a_proper_answer() => BodiesAsync(Inputs.Json.Select(Encoding.UTF8.GetBytes));

    [Fact]
    public Task An_order_with_any_part_replaced_gets_a_proper_answer() =>
        BodiesAsync(Inputs.AlmostOrder.Select(Encoding.UTF8.GetBytes));

    [Fact]
    public Task An_order_with_damaged_bytes_gets_a_proper_answer() => BodiesAsync(Inputs.DamagedOrder);

    [Fact]
    public Task Any_bytes_as_a_body_get_a_proper_answer() => BodiesAsync(Inputs.Bytes);

    [Fact]
    public Task Any_path_gets_a_proper_answer() =>
        RawAsync(
            Inputs
                .UrlPart.Zip(Gen.Elements("", "/notifications", "/confirm"))
                .Select(parts => parts.Item1 + parts.Item2),
            part => Get($"/api/v1/orders/{part}")
        );

    [Fact]
    public Task Any_query_gets_a_proper_answer() =>
        RawAsync(Inputs.UrlPart, part => Get($"/api/v1/orders?limit={part}&status={part}&cursor={part}&{part}"));

    [Fact]
    public Task Any_idempotency_key_gets_a_proper_answer() =>
        RawAsync(Inputs.HeaderValue, value => Post($"Idempotency-Key: {value}"));

    [Fact]
    public Task Any_trace_header_and_content_type_get_a_proper_answer() =>
        RawAsync(Inputs.HeaderValue, value =>
            Get(
                "/api/v1/orders",
                $"traceparent: {value}\r\nAccept: {value}\r\nContent-Type: {value}\r\nCookie: {value}\r\n"
            )
        );

    private Task BodiesAsync(Gen<byte[]> bodies) => CheckAsync(bodies, ["gateway", "orders"], async (api, body) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } },
            };
            request.Headers.Authorization = Token();
            using var response = await api.SendAsync(request, CancellationToken.None);
            return new Outcome(
                (int)response.StatusCode,
                response.Content.Headers.ContentType?.MediaType == "application/problem+json",
                Rows: response.IsSuccessStatusCode ? 1 : 0
            );
        });

    private Task RawAsync(Gen<string> parts, Func<string, string> request) =>
        CheckAsync(parts, ["gateway", "orders", "notifications"], async (api, part) => RawConnection.Answers(
                await RawConnection.ExchangeAsync(api.BaseAddress!, request(part))
            )
                is [var answer]
                // A stored order has a key here.
                ? new Outcome(answer.Status, answer.IsProblem, Rows: answer.Status == 201 ? 2 : 0)
                {
                    IsBare = answer.IsBare,
                }
                : default);

    private async Task CheckAsync<T>(Gen<T> inputs, string[] services, Func<HttpClient, T, Task<Outcome>> send)
    {
        var watch = await Watch.BeginAsync(platform);
        var (sent, stored) = (0, 0L);
        var apis = services.Select(service => platform.Client(service, customer: null)).ToList();
        // FsCheck calls and waits; not on a thread of xunit's, which has few.
        await Task.Run(
            () =>
                Prop.ForAll(inputs.ToArbitrary(), input =>
                    {
                        var outcomes = apis.ConvertAll(api => send(api, input).GetAwaiter().GetResult());
                        sent++;
                        stored += outcomes.Sum(outcome => outcome.Rows);
                        return outcomes
                            .TrueForAll(outcome => outcome.IsGood(atGateway: outcomes[0]))
                            .Label($"{string.Join(", ", services)} answered {string.Join(", ", outcomes)}");
                    })
                    .Check(Thorough),
            TestContext.Current.CancellationToken
        );
        apis.ForEach(api => api.Dispose());
        await watch.EndAsync(stored, sent);
    }

    private string Get(string target, string headers = "") =>
        $"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\n{headers}\r\n";

    private string Post(string header) =>
        $"POST {OrdersClient.Orders} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {Token()}\r\n"
        + $"Content-Type: application/json\r\nContent-Length: {Bodies.Good.Length}\r\n{header}\r\n"
        + $"\r\n{Bodies.Good}";

    // A new customer for each request: no rate limit is reached, and no key is used twice.
    private AuthenticationHeaderValue Token() => platform.Tokens.Bearer($"mallory-{Guid.NewGuid():N}");

    private readonly record struct Outcome(int Status, bool IsProblem, int Rows)
    {
        /// <summary>Kestrel itself answers input that is not an HTTP request, without a body.</summary>
        public bool IsBare { get; init; }

        /// <param name="atGateway">
        /// The outcome of the same input at the gateway, where our responses differ from Kestrel's own.
        /// </param>
        public bool IsGood(Outcome atGateway) =>
            Status is 200 or 201 || (Status is >= 400 and < 500 && (IsProblem || (IsBare && atGateway.IsBare)));
    }
}
