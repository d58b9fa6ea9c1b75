using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>What is known to hurt other systems, sent to the gateway and past it.</summary>
[Collection(SharedPlatform.Name)]
public sealed class CorpusTests(SharedPlatform shared)
{
    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    private readonly GoReliablePlatform platform = shared.Platform;

    [Theory, InlineData("gateway"), InlineData("orders")]
    public async Task A_body_that_is_not_an_order_is_answered_with_400_and_not_stored(string service)
    {
        var watch = await Watch.BeginAsync(platform);
        using var mallory = platform.Client(service, "mallory");
        await Parallel.ForEachAsync(
            Bodies.All,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = 8,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (body, _) =>
            {
                using var response = await SendAsync(mallory, body, "application/json", encoding: null);
                await AssertRefusedAsync(response, body, HttpStatusCode.BadRequest);
            }
        );
        await watch.EndAsync(atGateway: service == "gateway" ? Bodies.All.Count : 0);
    }

    [Theory, InlineData("gateway"), InlineData("orders")]
    public async Task A_good_body_with_another_content_type_is_answered_with_415(string service)
    {
        var watch = await Watch.BeginAsync(platform);
        using var mallory = platform.Client(service, "mallory");
        foreach (var (type, encoding, body) in Bodies.BadlyDescribed)
        {
            using var response = await SendAsync(mallory, body, type, encoding);
            await AssertRefusedAsync(
                response,
                Encoding.UTF8.GetBytes($"{type} {encoding}"),
                HttpStatusCode.UnsupportedMediaType
            );
        }
        await watch.EndAsync(atGateway: service == "gateway" ? Bodies.BadlyDescribed.Count : 0);
    }

    [Theory, InlineData("gateway"), InlineData("orders")]
    public async Task A_body_that_is_too_long_is_answered_with_413(string service)
    {
        var watch = await Watch.BeginAsync(platform);
        using var mallory = platform.Client(service, "mallory");
        // An order, if it were read to its end.
        var body = Encoding.UTF8.GetBytes(new string(' ', 64 * 1024) + Bodies.Good);
        foreach (var chunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } },
            };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await mallory.SendAsync(request, TestContext.Current.CancellationToken);
            await response.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        }
        await watch.EndAsync();
    }

    [Fact]
    public Task A_hostile_request_is_answered_with_4xx_and_not_stored() =>
        SendRawAsync(RawRequests.Readable, answer => answer.IsProblem);

    [Fact]
    public Task A_request_that_is_not_HTTP_is_answered_by_Kestrel_and_goes_no_further() =>
        SendRawAsync(RawRequests.Unreadable, answer => answer.IsBare);

    private async Task SendRawAsync(IReadOnlyList<string> requests, Predicate<RawAnswer> isExpected)
    {
        var watch = await Watch.BeginAsync(platform);
        var token = platform.Tokens.Issue("mallory");
        var wrong = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(
            requests,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = 16,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (request, _) =>
            {
                foreach (var service in Services)
                {
                    using var api = platform.Client(service, customer: null);
                    var text = await RawConnection.ExchangeAsync(
                        api.BaseAddress!,
                        request
                            .Replace("{token}", token, StringComparison.Ordinal)
                            .Replace("{length}", $"{Bodies.Good.Length}", StringComparison.Ordinal)
                            .Replace("{body}", Bodies.Good, StringComparison.Ordinal)
                    );
                    var answers = RawConnection.Answers(text);
                    if (
                        answers.Count == 0
                        || answers.Any(answer => answer.Status is < 400 or >= 500 || !isExpected(answer))
                    )
                        wrong.Add($"{service}: {Shortened(request)}\n{Shortened(text)}");
                }
            }
        );
        Assert.True(wrong.IsEmpty, string.Join("\n---\n", wrong));
        // Some consist of two.
        await watch.EndAsync(atGateway: 2 * requests.Count);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient client,
        byte[] body,
        string? type,
        string? encoding
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
        {
            Content = new ByteArrayContent(body),
        };
        if (type is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (encoding is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage response, byte[] what, HttpStatusCode status)
    {
        var answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(
            response.StatusCode == status
                && response.Content.Headers.ContentType?.MediaType == "application/problem+json"
                && JsonElement.Parse(answer).GetProperty("status").GetInt32() == (int)status,
            $"{Shortened(Encoding.Latin1.GetString(what))} was answered with {response.StatusCode}: {answer}"
        );
    }

    private static string Shortened(string text) =>
        JsonSerializer.Serialize(text.Length <= 400 ? text : $"{text[..300]} … {text[^100..]}");
}
