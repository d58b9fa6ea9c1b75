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
    private readonly GoReliablePlatform platform = shared.Platform;

    private static ParallelOptions EightAtOnce =>
        new() { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken };

    [Fact]
    public Task A_body_that_is_not_an_order_is_answered_with_400_and_not_stored() =>
        SendBodiesAsync(
            [.. Bodies.All.Select(body => ((string?)"application/json", (string?)null, body))],
            HttpStatusCode.BadRequest
        );

    [Fact]
    public Task A_body_with_another_content_type_is_answered_with_415() =>
        SendBodiesAsync(Bodies.BadlyDescribed, HttpStatusCode.UnsupportedMediaType);

    // The gateway's own limit is in SizeTests.
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_body_that_is_too_long_for_Orders_is_answered_with_413(bool chunked)
    {
        var watch = await Watch.BeginAsync(platform);
        using var mallory = platform.Client("orders", "mallory");
        // An order, if it were read to its end.
        var body = Encoding.UTF8.GetBytes(new string(' ', 64 * 1024) + Bodies.Good);
        using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } },
        };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await mallory.SendAsync(request, TestContext.Current.CancellationToken);
        await response.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        await watch.EndAsync();
    }

    [Fact]
    public Task A_hostile_request_is_answered_with_4xx_and_not_stored() =>
        SendRawAsync(RawRequests.Readable, answer => answer.IsProblem);

    [Fact]
    public Task A_request_that_is_not_HTTP_is_answered_by_Kestrel_and_goes_no_further() =>
        SendRawAsync(RawRequests.Unreadable, answer => answer.IsBare);

    private async Task SendBodiesAsync(
        IReadOnlyList<(string? Type, string? Encoding, byte[] Body)> requests,
        HttpStatusCode status
    )
    {
        var watch = await Watch.BeginAsync(platform);
        var wrong = new ConcurrentBag<string>();
        foreach (var service in new[] { "gateway", "orders" })
        {
            using var mallory = platform.Client(service, "mallory");
            await Parallel.ForEachAsync(requests, EightAtOnce, async (bad, cancel) =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
                {
                    Content = new ByteArrayContent(bad.Body),
                };
                if (bad.Type is not null)
                    request.Content.Headers.TryAddWithoutValidation("Content-Type", bad.Type);
                if (bad.Encoding is not null)
                    request.Content.Headers.TryAddWithoutValidation("Content-Encoding", bad.Encoding);
                using var response = await mallory.SendAsync(request, cancel);
                var answer = await response.Content.ReadAsStringAsync(cancel);
                if (
                    response.StatusCode != status
                    || response.Content.Headers.ContentType?.MediaType != "application/problem+json"
                    || JsonElement.Parse(answer).GetProperty("status").GetInt32() != (int)status
                )
                    wrong.Add(
                        $"{service}: {bad.Type} {bad.Encoding} {Shortened(Encoding.Latin1.GetString(bad.Body))}\n"
                            + $"{response.StatusCode}: {answer}"
                    );
            });
        }
        AssertNone(wrong);
        await watch.EndAsync(atGateway: requests.Count);
    }

    private async Task SendRawAsync(IReadOnlyList<string> requests, Predicate<RawAnswer> isExpected)
    {
        var watch = await Watch.BeginAsync(platform);
        var token = platform.Tokens.Issue("mallory");
        var wrong = new ConcurrentBag<string>();
        foreach (var service in new[] { "gateway", "orders", "notifications" })
        {
            using var api = platform.Client(service, customer: null);
            await Parallel.ForEachAsync(requests, EightAtOnce, async (request, _) =>
            {
                var text = await RawConnection.ExchangeAsync(
                    api.BaseAddress!,
                    request.Replace("{token}", token, StringComparison.Ordinal)
                );
                var answers = RawConnection.Answers(text);
                if (
                    answers.Count == 0
                    || answers.Any(answer => answer.Status is < 400 or >= 500 || !isExpected(answer))
                )
                    wrong.Add($"{service}: {Shortened(request)}\n{Shortened(text)}");
            });
        }
        AssertNone(wrong);
        // Some consist of two.
        await watch.EndAsync(atGateway: 2 * requests.Count);
    }

    private static void AssertNone(ConcurrentBag<string> wrong) =>
        Assert.True(wrong.IsEmpty, string.Join("\n---\n", wrong));

    private static string Shortened(string text) =>
        JsonSerializer.Serialize(text.Length <= 400 ? text : $"{text[..300]} … {text[^100..]}");
}
