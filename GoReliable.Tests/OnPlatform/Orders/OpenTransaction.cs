using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>
/// A transaction with what it wrote and locked. It is open until the test ends it; disposing of it rolls it back.
/// </summary>
internal sealed class OpenTransaction : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;

    private OpenTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (this.connection, this.transaction) = (connection, transaction);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="database">Where.</param>
    /// <param name="sql">What it executes, with <c>$1</c>, <c>$2</c> …</param>
    /// <param name="parameters">Their values.</param>
    public static async Task<OpenTransaction> BeginAsync(
        NpgsqlDataSource database,
        string sql,
        params object[] parameters
    )
    {
        var connection = await database.OpenConnectionAsync(Cancel);
        var open = new OpenTransaction(connection, await connection.BeginTransactionAsync(Cancel));
        await using var command = new NpgsqlCommand(sql, connection, open.transaction);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        await command.ExecuteNonQueryAsync(Cancel);
        return open;
    }

    /// <summary>Holds what the statement of a request with an idempotency key holds.</summary>
    public static Task<OpenTransaction> OfRequestAsync(NpgsqlDataSource database, string customer, string key) =>
        BeginAsync(database, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", $"{customer} {key}");

    public Task CommitAsync() => transaction.CommitAsync(Cancel);

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
