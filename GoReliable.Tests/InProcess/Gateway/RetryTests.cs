using System.Collections.Concurrent;
using System.Net;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What the gateway sends again, and what it never does.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class RetryTests : IAsyncLifetime
{
    private const string Orders = "/api/v1/orders";

    private readonly ConcurrentQueue<string> bodies = [];
    private Destination good = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => good = await Destination.StartAsync();

    public async ValueTask DisposeAsync() => await good.DisposeAsync();

    [Fact]
    public async Task A_stopping_replica_gets_no_more_requests_while_there_is_another()
    {
        await using var leaving = await Destination.StartAsync(context =>
        {
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        await using var gateway = await InProcessGateway.StartAsync([leaving.Address, good.Address]);

        for (var i = 0; i < 6; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync(Orders, Cancel)).StatusCode);

        Assert.Equal((1, 5), (leaving.Requests.Count, good.Requests.Count));
    }

    [Theory]
    [InlineData("drop", "broken_off")]
    [InlineData("503", "unavailable")]
    [InlineData("hang", "timeout")]
    public async Task A_read_that_fails_on_one_replica_is_sent_to_another(string failure, string reason)
    {
        await using var bad = await Destination.StartAsync(context => FailAsync(context, failure));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address, good.Address], PatienceFor(failure));

        for (var i = 0; i < 4; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync(Orders, Cancel)).StatusCode);

        Assert.Equal((2, 4), (bad.Requests.Count, good.Requests.Count));
        var scrape = await Poll.UntilAsync(
            "two retries",
            () => gateway.ScrapeAsync(),
            scrape =>
                scrape.Value($"goreliable_api_gateway_forward_retries_total{{reason=\"{reason}\",service=\"orders\"}}")
                == 2
        );
        Assert.Equal(
            4,
            scrape.Value(
                $"goreliable_api_gateway_http_requests_total{{method=\"GET\",route=\"{Orders}\",status_code=\"200\"}}"
            )
        );
    }

    [Fact]
    public async Task A_request_that_reached_no_replica_goes_to_another_even_if_not_repeatable()
    {
        await using var gateway = await InProcessGateway.StartAsync([
            new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}"),
            good.Address,
        ]);

        for (var i = 0; i < 6; i++)
            Assert.Equal(HttpStatusCode.OK, (await OrderAsync(gateway, key: null)).StatusCode);

        Assert.Equal(6, good.Requests.Count);
    }

    [Fact]
    public async Task The_last_working_replica_is_found_however_many_are_gone()
    {
        var gone = Enumerable.Range(0, 4).Select(_ => new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}"));
        await using var gateway = await InProcessGateway.StartAsync([.. gone, good.Address]);

        for (var i = 0; i < 50; i++)
            Assert.Equal(HttpStatusCode.OK, (await OrderAsync(gateway, key: null)).StatusCode);
    }

    [Fact]
    public async Task A_replica_that_is_back_takes_over_at_once_when_the_other_stops()
    {
        var other = new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await using var gateway = await InProcessGateway.StartAsync([other, good.Address]);
        for (var i = 0; i < 50; i++)
            await OrderAsync(gateway, key: null);

        // Slow at first, as what has just started is: nobody is answered before all have come.
        const int Callers = 8;
        var (come, all) = (0, new TaskCompletionSource());
        await using var back = await Destination.StartAsync(
            _ =>
            {
                if (Interlocked.Increment(ref come) == Callers)
                    all.SetResult();
                return all.Task;
            },
            other.Port
        );
        await good.DisposeAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => OrderAsync(gateway, key: null)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Theory]
    [InlineData("drop", HttpStatusCode.BadGateway)]
    [InlineData("503", HttpStatusCode.ServiceUnavailable)]
    [InlineData("hang", HttpStatusCode.GatewayTimeout)]
    public async Task An_order_without_a_key_is_sent_once(string failure, HttpStatusCode expected)
    {
        await using var bad = await Destination.StartAsync(context => FailAsync(context, failure));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address], PatienceFor(failure));

        Assert.Equal(expected, (await OrderAsync(gateway, key: null)).StatusCode);

        Assert.Single(bodies);
    }

    [Fact]
    public async Task A_change_without_a_body_is_sent_once_even_on_a_kept_connection()
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (HttpMethods.IsPost(context.Request.Method))
                await FailAsync(context, "drop");
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);
        await gateway.Client.GetAsync(Orders, Cancel);

        using var response = await gateway.Client.PostAsync($"{Orders}/1/confirm", content: null, Cancel);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Single(bodies);
    }

    [Theory]
    [InlineData("drop")]
    [InlineData("502")]
    [InlineData("hang")]
    public async Task An_order_with_a_key_is_sent_again_with_the_same_body(string failure)
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (bodies.IsEmpty)
                await FailAsync(context, failure);
            else
                await ReadAsync(context);
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address], PatienceFor(failure));

        Assert.Equal(HttpStatusCode.OK, (await OrderAsync(gateway, "key")).StatusCode);

        Assert.Equal([Body, Body], bodies);
        Assert.Equal(["key", "key"], bad.Requests.Select(headers => headers["Idempotency-Key"].ToString()));
        Assert.Equal(2, bad.Requests.Select(headers => headers.TraceParent.ToString()).Distinct().Count());
    }

    [Fact]
    public async Task There_are_at_most_two_retries()
    {
        await using var bad = await Destination.StartAsync(context => FailAsync(context, "503"));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await OrderAsync(gateway, "key")).StatusCode);

        Assert.Equal(3, bodies.Count);
    }

    [Fact]
    public async Task A_retry_waits_for_a_first_try_that_is_still_running()
    {
        await using var slow = await Destination.StartAsync(async context =>
        {
            switch (bodies.Count)
            {
                case 0:
                    await FailAsync(context, "hang");
                    break;
                case < 5:
                    await FailAsync(context, "409");
                    break;
                default:
                    context.Response.StatusCode = StatusCodes.Status201Created;
                    break;
            }
        });
        await using var gateway = await InProcessGateway.StartAsync(
            [slow.Address],
            ("Resilience__TryTimeout", "00:00:01")
        );

        Assert.Equal(HttpStatusCode.Created, (await OrderAsync(gateway, "key")).StatusCode);

        Assert.Equal(5, bodies.Count);
    }

    [Fact]
    public async Task A_change_with_a_key_is_sent_again_and_a_lasting_conflict_is_returned_at_once()
    {
        await using var changed = await Destination.StartAsync(async context =>
        {
            if (bodies.IsEmpty)
                await FailAsync(context, "drop");
            else
            {
                await ReadAsync(context);
                context.Response.StatusCode = StatusCodes.Status409Conflict;
            }
        });
        await using var gateway = await InProcessGateway.StartAsync([changed.Address]);

        Assert.Equal(
            HttpStatusCode.Conflict,
            (await gateway.Client.ChangeStatusAsync(Guid.Empty, "confirm", "key")).StatusCode
        );

        Assert.Equal(2, bodies.Count);
    }

    [Fact]
    public async Task A_conflict_with_another_clients_request_is_returned_at_once()
    {
        await using var busy = await Destination.StartAsync(context => FailAsync(context, "409"));
        await using var gateway = await InProcessGateway.StartAsync([busy.Address]);

        Assert.Equal(HttpStatusCode.Conflict, (await OrderAsync(gateway, "key")).StatusCode);

        Assert.Single(bodies);
    }

    [Fact]
    public async Task A_body_that_is_kept_for_a_retry_has_the_usual_limit()
    {
        await using var gateway = await InProcessGateway.StartAsync([good.Address]);
        using var request = new HttpRequestMessage(HttpMethod.Post, Orders)
        {
            Content = new ByteArrayContent(new byte[64 * 1024 + 1]),
        };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.Add("Idempotency-Key", "key");

        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            (await gateway.Client.SendAsync(request, Cancel)).StatusCode
        );
        Assert.Empty(good.Requests);
    }

    [Fact]
    public async Task A_replica_that_fails_is_left_out_until_it_answers_again()
    {
        var isWell = false;
        await using var bad = await Destination.StartAsync(context =>
            Volatile.Read(ref isWell) ? Task.CompletedTask : FailAsync(context, "drop")
        );
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);

        // The request that finds the circuit open is answered without asking anybody.
        var refused = await Poll.UntilAsync(
            "an answer that the replica was not asked for",
            async () =>
            {
                var before = bad.Requests.Count;
                var answer = await gateway.Client.GetAsync(Orders, Cancel);
                return (answer.StatusCode, answer.Headers.RetryAfter, Asked: bad.Requests.Count - before);
            },
            answer => answer.Asked == 0
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.RetryAfter?.Delta);
        var asked = bad.Requests.Count;
        await Poll.UntilAsync(
            "a probe",
            async () =>
            {
                await gateway.Client.GetAsync(Orders, Cancel);
                return bad.Requests.Count;
            },
            count => count == asked + 1
        );

        Volatile.Write(ref isWell, true);
        await Poll.UntilAsync(
            "a good answer",
            () => gateway.Client.GetAsync(Orders, Cancel),
            answer => answer.StatusCode == HttpStatusCode.OK
        );
        var said = await Poll.UntilAsync(
            "both events",
            () => Task.FromResult(Events(gateway)),
            events => events.Contains("http.replica_back")
        );
        Assert.Equal(["http.replica_left_out", "http.replica_back"], said);
    }

    [Fact]
    public async Task While_one_replica_is_left_out_the_others_do_its_work()
    {
        await using var bad = await Destination.StartAsync(context => FailAsync(context, "503"));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address, good.Address]);
        await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => gateway.Client.GetAsync(Orders, Cancel)));
        var asked = bad.Requests.Count;

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => OrderAsync(gateway, key: null)));

        // One is the probe that the pause between both may have come to.
        Assert.InRange(answers.Count(answer => answer.StatusCode != HttpStatusCode.OK), 0, 1);
        Assert.InRange(bad.Requests.Count - asked, 0, 1);
    }

    private const string Body = """{"currency":"EUR"}""";

    private static (string, string)[] PatienceFor(string failure) =>
        failure == Destination.Hang ? GatewayProcess.Impatient : [];

    private static IReadOnlyList<string> Events(InProcessGateway gateway) =>
        [
            .. gateway
                .Events.Select(line => line.TryGetProperty("event", out var name) ? name.GetString()! : "")
                .Where(name => name.StartsWith("http.replica", StringComparison.Ordinal)),
        ];

    private static Task<HttpResponseMessage> OrderAsync(InProcessGateway gateway, string? key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Orders)
        {
            Content = new StringContent(Body, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return gateway.Client.SendAsync(request, Cancel);
    }

    private async Task ReadAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        bodies.Enqueue(await reader.ReadToEndAsync(context.RequestAborted));
    }

    private async Task FailAsync(HttpContext context, string how)
    {
        await ReadAsync(context);
        if (int.TryParse(how, out var status))
        {
            context.Response.StatusCode = status;
            // Only of one conflict the order service says that it will pass: the key's first request is at work.
            if (status == StatusCodes.Status409Conflict)
                context.Response.Headers.RetryAfter = "1";
        }
        else if (how == Destination.Drop)
            context.Abort();
        else
            await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
    }
}
