using Npgsql;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>A lock on a table, until it is disposed of.</summary>
internal sealed class TableLock(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    /// <param name="database">Where.</param>
    /// <param name="table">Its name, and the kind of lock if others may still read.</param>
    public static async Task<TableLock> TakeAsync(NpgsqlDataSource database, string table)
    {
        var connection = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand($"LOCK TABLE {table}", connection, transaction);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return new(connection, transaction);
    }

    public async ValueTask DisposeAsync()
    {
        // A pooled connection that is closed rolls back at its next use only.
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
