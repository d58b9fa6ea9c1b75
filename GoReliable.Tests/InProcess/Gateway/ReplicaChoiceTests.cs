using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Which replica gets a request: one that works, if there is any.</summary>
public sealed class ReplicaChoiceTests : GatewayTest
{
    private readonly FailingOrders failing = new();

    [Fact]
    public async Task A_stopping_replica_gets_no_more_requests_while_there_is_another()
    {
        await using var leaving = await Destination.StartAsync(context =>
        {
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        await using var gateway = await InProcessGateway.StartAsync([leaving.Address, Orders.Address]);

        for (var i = 0; i < 6; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);

        Assert.Equal((1, 5), (leaving.Requests.Count, Orders.Requests.Count));
    }

    [Fact]
    public async Task A_refusal_that_ends_the_connection_is_no_sign_of_a_stop()
    {
        int[] refusals = [400, 408, 413, 414, 431];
        var refused = 0;
        await using var refusing = await Destination.StartAsync(context =>
        {
            context.Response.StatusCode = refusals[refused++];
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        await using var gateway = await InProcessGateway.StartAsync([refusing.Address, Orders.Address]);

        for (var i = 0; i < 2 * refusals.Length; i++)
            await gateway.ListAsync();

        Assert.Equal((refusals.Length, refusals.Length), (refusing.Requests.Count, Orders.Requests.Count));
    }

    [Fact]
    public async Task The_last_working_replica_is_found_however_many_are_gone()
    {
        var gone = Enumerable.Range(0, 4).Select(_ => new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}"));
        await using var gateway = await InProcessGateway.StartAsync([.. gone, Orders.Address]);

        for (var i = 0; i < 50; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.OrderAsync(key: null)).StatusCode);

        Assert.Equal(50, Orders.Requests.Count);
    }

    [Fact]
    public async Task A_replica_that_is_back_takes_over_at_once_when_the_other_stops()
    {
        var other = new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await using var gateway = await InProcessGateway.StartAsync([other, Orders.Address]);
        for (var i = 0; i < 50; i++)
            await gateway.OrderAsync(key: null);

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
        await Orders.DisposeAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => gateway.OrderAsync(key: null)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task A_replica_that_fails_is_left_out_until_it_answers_again()
    {
        var isWell = false;
        await using var bad = await Destination.StartAsync(context =>
            Volatile.Read(ref isWell) ? Task.CompletedTask : failing.FailAsync(context, Destination.Drop)
        );
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);

        using var refused = await AskUntilLeftOutAsync(gateway, bad);
        await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        var asked = bad.Requests.Count;
        await Poll.UntilAsync(
            "a probe",
            async () =>
            {
                await gateway.ListAsync();
                return bad.Requests.Count;
            },
            count => count == asked + 1
        );

        Volatile.Write(ref isWell, true);
        await Poll.UntilAsync(
            "a good answer",
            () => gateway.ListAsync(),
            answer => answer.StatusCode == HttpStatusCode.OK
        );
        await gateway.WaitForEventsAsync("http.replica_back");
        Assert.Equal(["http.replica_left_out", "http.replica_back"], Events(gateway));
    }

    [Fact]
    public async Task The_share_of_a_replica_that_is_left_out_goes_to_all_the_others()
    {
        await using var bad = await Destination.StartAsync(context => failing.FailAsync(context, "503"));
        await using var other = await Destination.StartAsync();
        await using var gateway = await InProcessGateway.StartAsync([bad.Address, other.Address, Orders.Address]);
        await gateway.ListAsync(times: 90);
        var (before, otherBefore, badBefore) = (Orders.Requests.Count, other.Requests.Count, bad.Requests.Count);

        var failed = 0;
        for (var i = 0; i < 300; i++)
            failed += (await gateway.OrderAsync(key: null)).StatusCode == HttpStatusCode.OK ? 0 : 1;

        // All of it at one would be 200 and 100.
        Assert.InRange(Orders.Requests.Count - before, 120, 180);
        Assert.InRange(other.Requests.Count - otherBefore, 120, 180);
        // Of these orders, which are sent once, only probes fail: one in two seconds.
        Assert.Equal(bad.Requests.Count - badBefore, failed);
        Assert.InRange(failed, 0, 10);
    }

    [Fact]
    public async Task A_request_that_fails_at_the_only_replica_left_is_sent_there_again()
    {
        var failures = 0;
        await using var bad = await Destination.StartAsync(context => failing.FailAsync(context, "503"));
        await using var shaky = await Destination.StartAsync(context =>
            Interlocked.Exchange(ref failures, 0) == 1
                ? failing.FailAsync(context, Destination.Drop)
                : Task.CompletedTask
        );
        await using var gateway = await InProcessGateway.StartAsync([bad.Address, shaky.Address]);
        await gateway.ListAsync(times: 60);

        for (var i = 0; i < 4; i++)
        {
            Volatile.Write(ref failures, 1);
            Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);
            Assert.Equal(0, Volatile.Read(ref failures));
        }
    }

    [Fact]
    public async Task A_probe_whose_client_goes_away_does_not_bring_a_replica_back()
    {
        CancellationTokenSource? impatient = null;
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (impatient is not null)
                await impatient.CancelAsync();
            await failing.FailAsync(context, impatient is null ? Destination.Drop : Destination.Hang);
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);
        await AskUntilLeftOutAsync(gateway, bad);

        using (impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel))
            await Poll.UntilAsync(
                "a probe whose client goes away",
                async () =>
                {
                    await Record.ExceptionAsync(() => gateway.Client.GetAsync(OrdersClient.Orders, impatient.Token));
                    return gateway.Output.Any(line => line.Contains(" answered 499 "));
                },
                gone => gone
            );
        impatient = null;
        await gateway.ListAsync();

        Assert.Equal(["http.replica_left_out"], Events(gateway));
    }

    [Fact]
    public async Task A_probe_that_is_refused_does_not_bring_a_replica_back()
    {
        var bad = await Destination.StartAsync(context => failing.FailAsync(context, Destination.Drop));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);
        await AskUntilLeftOutAsync(gateway, bad);

        await bad.DisposeAsync();
        await Poll.UntilAsync(
            "a probe that is refused",
            async () =>
            {
                await gateway.ListAsync();
                return (await gateway.ScrapeAsync()).Lines.Any(line =>
                    line.Contains("reason=\"unreachable\"") && !line.EndsWith(" 0", StringComparison.Ordinal)
                );
            },
            refused => refused
        );

        Assert.Equal(["http.replica_left_out"], Events(gateway));
    }

    // The request that finds the circuit open is answered without asking anybody.
    private static async Task<HttpResponseMessage> AskUntilLeftOutAsync(InProcessGateway gateway, Destination replica)
    {
        var last = await Poll.UntilAsync(
            "an answer that the replica was not asked for",
            async () =>
            {
                var before = replica.Requests.Count;
                return (Answer: await gateway.ListAsync(), Asked: replica.Requests.Count - before);
            },
            last => last.Asked == 0
        );
        return last.Answer;
    }

    private static IReadOnlyList<string> Events(InProcessGateway gateway) =>
        [
            .. gateway
                .Events.Select(line => line.TryGetProperty("event", out var name) ? name.GetString()! : "")
                .Where(name => name.StartsWith("http.replica", StringComparison.Ordinal)),
        ];
}
