using GoReliable.Notifications.Consuming;
using GoReliable.Tests.OnPlatform.Lifecycle;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace GoReliable.Tests.InProcess.Notifications;

/// <summary>What counts as a database that is away.</summary>
public sealed class DatabaseRetryTests
{
    private readonly NpgsqlDataSource database = NpgsqlDataSource.Create("Host=localhost");
    private readonly QuickTime time = new();

    [Fact]
    public async Task A_connection_that_is_no_longer_open_is_tried_again()
    {
        await RunAsync(() => time.Pauses < 3 ? UseClosedConnectionAsync() : Task.CompletedTask);

        Assert.Equal(3, time.Pauses);
    }

    [Fact]
    public async Task A_defect_of_ours_ends_the_tries()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(() => FindNothingAsync([])));
        await database.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => RunAsync(UseDatabaseAsync));

        Assert.Equal(0, time.Pauses);
    }

    // A loop without end would end after many pauses, by another exception.
    private Task RunAsync(Func<Task> attempt) =>
        new DatabaseRetry(database, NullLogger<DatabaseRetry>.Instance, time).RunAsync(attempt, () =>
            new CancellationToken(canceled: time.Pauses >= 10)
        );

    private static Task<int> FindNothingAsync(int[] numbers) => Task.FromResult(numbers.First(number => number > 0));

    private async Task UseDatabaseAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
    }

    private static async Task UseClosedConnectionAsync()
    {
        await using var connection = new NpgsqlConnection("Host=localhost");
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await command.ExecuteNonQueryAsync();
    }
}
