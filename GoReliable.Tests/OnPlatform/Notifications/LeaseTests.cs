using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>
/// One delivery of an event at a time, by however many workers, though each keeps no transaction open.
/// </summary>
[Collection(ServersOnly.Name)]
public sealed class LeaseTests(ServersOnly shared)
{
    private const string Expire = "UPDATE leases SET until = now() - interval '1 millisecond'";

    [Fact]
    public async Task A_lease_has_one_owner_until_it_ends_and_then_the_old_owner_cannot_write()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        var (ours, failed, others) = (Delivered(), Failed(), Delivered());
        var (id, mine, theirs) = (ours.Event!.Id, ours.Owner, others.Owner);
        using var leases = Of(database);

        Assert.Equal(LeaseAnswer.Taken, await leases.TakeAsync(id, mine));
        Assert.Equal(LeaseAnswer.Busy, await leases.TakeAsync(id, theirs));
        // Who did not hear the answer asks again.
        Assert.Equal(LeaseAnswer.Taken, await leases.TakeAsync(id, mine));

        await database.ExecuteAsync(Expire);
        Assert.Equal(LeaseAnswer.Taken, await leases.TakeAsync(id, theirs));
        Assert.False(await leases.EndAsync(ours));
        Assert.False(await leases.EndAsync(failed));
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM notifications"));
        Assert.Equal(LeaseAnswer.Busy, await leases.TakeAsync(id, mine));

        Assert.True(await leases.EndAsync(others));
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM notifications"));
        Assert.Equal(
            (LeaseAnswer.Handled, LeaseAnswer.Handled),
            (await leases.TakeAsync(id, mine), await leases.TakeAsync(id, theirs))
        );
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM leases"));
    }

    [Fact]
    public async Task The_leases_of_living_deliveries_are_renewed_and_no_others()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        using var leases = Of(database);
        var (alive, ended, taken) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        foreach (var owner in new[] { alive, ended, taken })
            await leases.TakeAsync(owner, owner);
        leases.StopRenewing(ended);
        await database.ExecuteAsync($"{Expire}; UPDATE leases SET owner = gen_random_uuid() WHERE owner = '{taken}'");

        await leases.RenewAsync(TestContext.Current.CancellationToken);

        Assert.Equal(
            alive,
            await database.ScalarAsync<Guid>("SELECT owner FROM leases WHERE until > now() + interval '20 seconds'")
        );
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM leases WHERE until > now()"));
    }

    // As with the old server after a failover: a connection stays read-only for as long as it lives.
    [Fact]
    public async Task After_a_failover_leases_are_renewed_by_a_new_connection()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await using var pool = NpgsqlDataSource.Create(database.ConnectionString);
        using var leases = new Leases(pool, NullLogger<Leases>.Instance, TimeProvider.System);
        var owner = Guid.NewGuid();
        await leases.TakeAsync(owner, owner);
        pool.Clear();
        await database.ExecuteAsync(Expire);

        await database.ReadOnlyAsync("on");
        await Assert.ThrowsAsync<PostgresException>(() => leases.RenewAsync(TestContext.Current.CancellationToken));
        await database.ReadOnlyAsync("off");
        await leases.RenewAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM leases WHERE until > now()"));
    }

    [Fact]
    public async Task Of_many_concurrent_claims_of_an_event_one_succeeds()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        using var leases = Of(database);
        var @event = Guid.NewGuid();

        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => leases.TakeAsync(@event, Guid.NewGuid())));

        Assert.Equal(
            (1, 49),
            (claims.Count(claim => claim == LeaseAnswer.Taken), claims.Count(claim => claim == LeaseAnswer.Busy))
        );
    }

    private static Leases Of(OwnDatabase database) =>
        new(database.Source, NullLogger<Leases>.Instance, TimeProvider.System);

    private static Message Delivered()
    {
        // As an older version of Orders wrote it.
        var message = Events.Message(body: Events.Created.Replace("\"version\": 1,", "", StringComparison.Ordinal));
        message.Receipt = new Receipt(Channels.Email, Events.Time);
        return message;
    }

    private static Message Failed()
    {
        var message = Events.Message();
        message.Failure = new Failure(Permanent: false, "rejected", "", "", "");
        return message;
    }
}
