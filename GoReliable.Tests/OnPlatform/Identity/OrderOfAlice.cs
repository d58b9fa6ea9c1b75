using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>An order that somebody else would like to see or change.</summary>
public sealed class OrderOfAlice(SharedPlatform shared) : IAsyncLifetime
{
    public const string Alice = "alice-the-robbed";

    private const string Touched = """
        SELECT (SELECT count(*) FROM orders WHERE id = $1 AND version <> 1)
             + (SELECT count(*) FROM orders WHERE id > $1 AND items::text LIKE '%stolen%'
                 AND (customer_id = $2 OR customer_id NOT LIKE 'somebody-%'))
             + (SELECT count(*) FROM idempotency_keys WHERE customer_id = $2)
        """;

    private NpgsqlDataSource database = null!;

    public Guid Id { get; private set; }

    public async ValueTask InitializeAsync()
    {
        using var alice = shared.Platform.Client(Alice);
        Id = await alice.CreateAsync();
        await alice.WaitForNotificationsAsync(Id); // or nobody could see hers
        database = await shared.Platform.DatabaseAsync("orders-db");
    }

    public async ValueTask DisposeAsync() => await database.DisposeAsync();

    /// <summary>Asserts that her order is as she made it, and that nobody ordered with a bad token.</summary>
    public async Task AssertUntouchedAsync() =>
        Assert.Equal(0, await database.ScalarAsync<long>(Touched, Id, BadTokens.Customer));
}
