using System.Collections.Concurrent;
using System.Diagnostics;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// A mail server that refuses some recipients with a transient error, and does not answer for others; a worker that
/// would wait for it for five minutes.
/// </summary>
[Collection(RestartablePlatform.Name)]
public sealed class SlowRecipientTests(RestartablePlatform mail) : IAsyncLifetime
{
    private static readonly TimeSpan[] RetriedAfter =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(11),
        TimeSpan.FromSeconds(71),
    ];

    private readonly GoReliablePlatform platform = mail.Platform;
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<long> refusals = [];
    private readonly ConcurrentDictionary<string, long> arrivals = [];
    private int hanging;

    public ValueTask InitializeAsync()
    {
        (mail.Server.AnswerRecipient, mail.Server.BeforeRecipient) = (Answer, HangAsync);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        over.SetResult();
        await mail.CalmAsync();
    }

    [Fact]
    public async Task Recipients_that_are_refused_or_hang_delay_nobody_else()
    {
        using var customer = platform.Client("slow-recipients");

        await AssertRefusalsDelayNobodyAsync(customer);

        for (var i = 0; i < 40; i++)
            await customer.CreateAsync("slow@example.com");
        await Poll.UntilAsync(
            "deliveries that hang",
            () => Task.FromResult(Volatile.Read(ref hanging)),
            count => count == 2
        );
        await customer.WaitForNotificationsAsync(await customer.CreateAsync("quick@example.com"));
        Assert.Contains(mail.Server.Received, quick =>
            quick.Recipient.Contains("quick@example.com", StringComparison.Ordinal)
        );

        // Not one recipient but the whole mail server: what needs no mail server goes on.
        for (var i = 0; i < 40; i++)
            await customer.CreateAsync($"slow{i}@example.com");
        await Poll.UntilAsync(
            "as many as may be under way",
            () => Task.FromResult(Volatile.Read(ref hanging)),
            count => count == 32
        );
        await customer.WaitForNotificationsAsync(await customer.CreateAsync());
        Assert.Equal(32, Volatile.Read(ref hanging));

        // Nor do they cost the database anything.
        await using var database = await platform.DatabaseAsync("notifications-db");
        await Poll.UntilAsync("no connection in use by the 32", () => InUseAsync(database), inUse => inUse == 0);

        // However many there are.
        for (var i = 0; i < 400; i++)
            await customer.CreateAsync($"slower{i}@example.com");
        await customer.WaitForNotificationsAsync(await customer.CreateAsync());
        Assert.Equal(32, Volatile.Read(ref hanging));
    }

    /// <summary>Connections of the worker that do something, or keep a transaction open.</summary>
    private static Task<long> InUseAsync(NpgsqlDataSource database) =>
        database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                + "AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'"
        );

    /// <summary>A hundred to one mailbox that is full, and twenty to others between them.</summary>
    private async Task AssertRefusalsDelayNobodyAsync(HttpClient customer)
    {
        const int Refused = 100,
            Others = 20;
        var created = new Dictionary<string, long>();
        for (var i = 0; i < Refused; i++)
        {
            await customer.CreateAsync("full@example.com");
            if (i % (Refused / Others) == 0)
            {
                created[$"other{i}@example.com"] = Stopwatch.GetTimestamp();
                await customer.CreateAsync($"other{i}@example.com");
            }
        }
        await Poll.UntilAsync("e-mails to the others", () => Task.FromResult(arrivals.Count), count => count == Others);
        foreach (var (other, at) in created)
            Assert.InRange(Stopwatch.GetElapsedTime(at, arrivals[other]), TimeSpan.Zero, TimeSpan.FromSeconds(10));

        // They are tried again, each in its time, and not round and round.
        await Poll.UntilAsync("refusals", () => Task.FromResult(refusals.Count), count => count > Refused);
        refusals.TryPeek(out var first);
        var tries = 1 + RetriedAfter.Count(after => Stopwatch.GetElapsedTime(first) > after * 0.8);
        Assert.InRange(refusals.Count, Refused, Refused * tries);
    }

    private string Answer(string recipient)
    {
        if (recipient.StartsWith("RCPT TO:<full", StringComparison.OrdinalIgnoreCase))
        {
            refusals.Enqueue(Stopwatch.GetTimestamp());
            return "452 mailbox full";
        }
        if (recipient.StartsWith("RCPT TO:<other", StringComparison.OrdinalIgnoreCase))
            arrivals.TryAdd(recipient[9..recipient.IndexOf('>', StringComparison.Ordinal)], Stopwatch.GetTimestamp());
        return "250 ok";
    }

    private Task HangAsync(string recipient)
    {
        if (!recipient.StartsWith("RCPT TO:<slow", StringComparison.OrdinalIgnoreCase))
            return Task.CompletedTask;
        Interlocked.Increment(ref hanging);
        return over.Task;
    }
}
