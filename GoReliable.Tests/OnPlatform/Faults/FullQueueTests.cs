using GoReliable.Messaging;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Queues that refuse what they have no room for get it later, without an operator.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class FullQueueTests(OutboxFixture own) : IClassFixture<OutboxFixture>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_queue_costs_one_log_line_a_second_and_needs_no_operator()
    {
        using var alice = platform.Client("alice");
        var before = DateTimeOffset.UtcNow;
        await using (var full = await own.BindAsync("full", "order.created", mostMessages: 1))
        {
            // More at once would be refused: a customer has a share of the database.
            var options = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel };
            await Parallel.ForAsync(0, 100, options, async (_, _) => await alice.CreateAsync());
            await own.InsertAsync(Guid.CreateVersion7(), "order.confirmed");
            await Poll.UntilAsync(
                "one of another type published",
                () => own.CountAsync("order.confirmed"),
                count => count == 0
            );
            // Refused four times. Refusals are counted from MaxAttempts (5) upwards, so the count is 9.
            await Poll.UntilAsync(
                "refused events",
                () => own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE attempts >= 9"),
                count => count > 0,
                TimeSpan.FromMinutes(2)
            );
            Assert.Equal(0, await own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE retry_at IS NULL"));
            Assert.NotEqual(0, await own.GaugeAsync("outbox_pending_messages"));
        }

        await Poll.UntilAsync(
            "all published",
            () => own.CountAsync("order.%"),
            count => count == 0,
            TimeSpan.FromMinutes(2)
        );
        var lines = platform
            .Telemetry.Logs()
            .Count(log => log.Time > before && log.EventName?.StartsWith("outbox.", StringComparison.Ordinal) == true);
        Assert.InRange(lines, 1, (int)(DateTimeOffset.UtcNow - before).TotalSeconds);
    }

    [Fact]
    public async Task A_queue_gets_what_it_refused_once_its_limit_is_removed()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be given a policy."
        );
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        var quorum = new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish" };
        await channel.QueueDeclareAsync(
            "limited",
            durable: true,
            exclusive: false,
            autoDelete: false,
            quorum,
            cancellationToken: TestContext.Current.CancellationToken
        );
        try
        {
            await channel.QueueBindAsync(
                "limited",
                OrderTopology.Exchange,
                "order.created",
                cancellationToken: TestContext.Current.CancellationToken
            );
            await RabbitMqControl.EvaluateAsync(
                platform,
                """rabbit_policy:parse_set(<<"/">>, <<"limit">>, <<"^limited$">>, """
                    + """<<"{\"max-length\":1}">>, <<"0">>, <<"queues">>, <<"none">>)."""
            );
            using var alice = platform.Client("alice");
            // The queue learns of its limit some time after the broker has: what comes before is not refused.
            await Poll.UntilAsync(
                "refused events",
                async () =>
                {
                    await alice.CreateAsync();
                    return await own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE attempts > 0");
                },
                count => count > 0
            );

            await RabbitMqControl.EvaluateAsync(
                platform,
                """rabbit_policy:delete(<<"/">>, <<"limit">>, <<"none">>)."""
            );

            await Poll.UntilAsync(
                "all published",
                () => own.CountAsync("order.%"),
                count => count == 0,
                TimeSpan.FromMinutes(2)
            );
        }
        finally
        {
            await channel.QueueDeleteAsync(
                "limited",
                ifUnused: false,
                ifEmpty: false,
                cancellationToken: TestContext.Current.CancellationToken
            );
        }
    }
}
