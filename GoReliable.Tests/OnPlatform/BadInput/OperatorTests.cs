using System.Net;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using static GoReliable.Tests.OnPlatform.BadInput.BadValues;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// The worker's API for operators is not on a public port and needs a scope. Even from an operator it accepts no
/// request that it does not understand.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class OperatorTests(SharedPlatform shared)
{
    private const string Id = "0195f1a0-0000-7000-8000-000000000001";

    // Not one of them may be read as "all".
    private static readonly string[] Selections =
    [
        .. Words(
            """{"all":false} {"all":1} {"all":"true"} {"all":[true]} {"all":true,"all":true} {"all":false,"all":true}"""
        ),
        .. Words("""{"all":true,"\u0061ll":true} [{"all":true}] {"all":true}{"all":true} {"all":true,"All":true}"""),
        .. Words(
            """{"ids":null} {"ids":{}} {"ids":"all"} {"ids":[null]} {"ids":[1]} {"ids":[""]} {"ids":["*"]} {"ids":["%"]}"""
        ),
        .. Words(
            """{"all":true,"upTo":-1} {"all":true,"upTo":1.5} {"all":true,"upTo":1e400} {"all":true,"upTo":"x"}"""
        ),
        .. Words("""{"all":true,"upTo":[]} {"all":true,"upTo":9223372036854775808} {"all":true,"reason":""}"""),
        .. Words("""{"all":true,"reason":1} {"all":true,"reason":"a\u0000"} {"all":true,"reason":"\ud800"}"""),
        """{"all":true} x""",
        $$"""{"ids":[["{{Id}}"]]}""",
        $$"""{"ids":["{{Id}} "]}""",
        $$"""{"ids":["{{Id}}\u0000"]}""",
        $$"""{"ids":["{{Id}}"],"ids":["{{Id}}"]}""",
        $$"""{"ids":[{{string.Join(',', Enumerable.Repeat($"\"{Id}\"", 1001))}}]}""",
        $$"""{"all":true,"reason":"{{new string('r', 256)}}"}""",
    ];

    private static readonly string[] Rates = Words("""0 -1 1.5 1e1 1e400 1001 2147483648 NaN true [] {} "fast" """);

    private static readonly string[] Numbers =
    [
        "",
        .. Words("%20 -1 1.5 1e1 0x1 +1 %00 %d9%a1 99999999999999999999 1;2 1&{0}=1"),
    ];

    private static readonly string[] Paths =
    [
        "GET /dead-letters/x",
        "GET /dead-letters/..%2fhealth",
        "GET /dead-letters/'%20OR%201=1",
        "DELETE /dead-letters",
        "DELETE /dead-letters/*",
        "DELETE /dead-letters/x",
        $"DELETE /dead-letters/{Id}",
        "POST /dead-letters",
        "POST /dead-letters/x/redrive",
        $"POST /dead-letters/{Id}/redrive",
        $"POST /dead-letters/{Id}/discard",
        $"PUT /dead-letters/{Id}",
        "PATCH /dead-letters/redrive",
        "GET /dead-letters/redrive",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_bad_operator_request_gets_a_4xx_problem_and_changes_no_dead_letter()
    {
        var watch = await Watch.BeginAsync(shared.Platform);
        await using var database = await shared.Platform.DatabaseAsync("notifications-db");
        await database.RunAsync(
            """
            INSERT INTO dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body)
            SELECT gen_random_uuid(), 'order.created', 'kept', 1, 0, now(), '{}', '{}' FROM generate_series(1, 10)
            """
        );
        using var worker = shared.Platform.Management("notifications");
        worker.DefaultRequestHeaders.Authorization = shared.Platform.Tokens.Bearer("olga", Scopes.NotificationsOperate);

        foreach (var verb in new[] { "redrive", "discard" })
        {
            var rates = Rates.Select(rate => $$"""{"ids":["{{Id}}"],"perSecond":{{rate}}}""");
            var bodies = verb == "redrive" ? Selections.Concat(rates) : Selections;
            foreach (var body in bodies.Select(Encoding.UTF8.GetBytes).Concat(Bodies.Malformed))
                await AssertRefusedAsync(worker, $"POST /dead-letters/{verb}", body);
            foreach (
                var type in new[] { null, "text/plain", "application/xml", "application/x-www-form-urlencoded", "json" }
            )
                await AssertRefusedAsync(worker, $"POST /dead-letters/{verb}", "{\"all\":true}"u8.ToArray(), type);
            foreach (var chunked in new[] { false, true })
                await AssertRefusedAsync(
                    worker,
                    $"POST /dead-letters/{verb}",
                    Encoding.UTF8.GetBytes($"{new string(' ', 64 * 1024)}{{\"all\":true}}"),
                    chunked: chunked
                );
        }
        foreach (var name in new[] { "limit", "cursor" })
        {
            foreach (var number in Numbers)
                await AssertRefusedAsync(
                    worker,
                    $"GET /dead-letters?{name}={number.Replace("{0}", name, StringComparison.Ordinal)}"
                );
        }
        foreach (var path in Paths)
            await AssertRefusedAsync(worker, path);

        await using var remove = database.CreateCommand("DELETE FROM dead_letters WHERE reason = 'kept'");
        Assert.Equal(10, await remove.ExecuteNonQueryAsync(Cancel));
        await watch.EndAsync();
    }

    private static async Task AssertRefusedAsync(
        HttpClient worker,
        string what,
        byte[]? body = null,
        string? type = "application/json",
        bool chunked = false
    )
    {
        var (method, path) = what.Split(' ', 2) is [var first, var rest]
            ? (HttpMethod.Parse(first), rest)
            : throw new ArgumentException(what, nameof(what));
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (type is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            request.Headers.TransferEncodingChunked = chunked;
            // A server that refuses by the length closes the connection. If the body is on its way by then, the answer may
            // be lost with it (RFC 9112, 9.6).
            request.Headers.ExpectContinue = true;
        }
        using var response = await worker.SendAsync(request, Cancel);
        var answer = await response.Content.ReadAsStringAsync(Cancel);
        Assert.True(
            response.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError
                && response.Content.Headers.ContentType?.MediaType == "application/problem+json",
            $"{what} {type} {Encoding.Latin1.GetString(body ?? [])} was answered with {response.StatusCode}: {answer}"
        );
    }
}
