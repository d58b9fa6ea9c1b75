using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>A database of Orders for the tests of a class that empty its outbox before each test.</summary>
public sealed class OutboxDatabase(ServersOnly shared) : IAsyncLifetime
{
    internal OwnDatabase Own { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Own = await OwnDatabase.CreateAsync(shared.Platform, "Orders");

    /// <summary>Empties the outbox, once the server has noticed that the relays of the test before are gone.</summary>
    public async Task EmptyAsync()
    {
        await Poll.UntilAsync(
            "no relay that has the lock",
            () =>
                Own.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                        + "WHERE datname = current_database() AND locktype = 'advisory'"
                ),
            count => count == 0
        );
        await Own.ExecuteAsync("TRUNCATE outbox, outbox_set_aside RESTART IDENTITY");
    }

    public ValueTask DisposeAsync() => Own.DisposeAsync();
}
