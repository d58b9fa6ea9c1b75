using GoReliable.Database;
using Npgsql;
using NpgsqlTypes;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>The statements on the table of dead letters.</summary>
internal static class DeadLetterTable
{
    private const string ListedColumns =
        "id, message_id, event_type, order_id, reason, exception_type, exception_message, attempts, redriven, "
        + "first_failure, dead_since, trace_id";
    private const string Columns = $"{ListedColumns}, properties, body";

    // A batch ends when its bodies reach this size. It is enough for a full batch of events.
    private const int MaxPageBytes = 16 * 1024 * 1024;

    // A letter may come again: its acknowledgement was lost, or it was redriven and only its removal was lost.
    private const string Insert = $"""
        -- store dead letters
        INSERT INTO dead_letters ({Columns})
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (id) DO UPDATE SET
            reason = excluded.reason, exception_type = excluded.exception_type,
            exception_message = excluded.exception_message,
            attempts = excluded.attempts, redriven = excluded.redriven, first_failure = excluded.first_failure,
            dead_since = excluded.dead_since, properties = excluded.properties, position = excluded.position
        """;

    private const string SelectPage = $"""
        -- list dead letters
        SELECT {ListedColumns}, ''::bytea, ''::bytea, position
        FROM dead_letters WHERE position > $1 ORDER BY position LIMIT $2
        """;

    private const string SelectOne = $"""
        -- find dead letter
        SELECT {Columns}, position FROM dead_letters WHERE id = $1
        """;

    // Skips letters that another operator is redriving or discarding: nothing is done twice, and no call waits.
    private const string TakeAll = $"""
        -- take dead letters
        SELECT {Columns}, position FROM dead_letters
        WHERE position > $1 AND position <= $2 AND ($3 IS NULL OR reason = $3)
        ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED
        """;

    private const string TakeSome = $"""
        -- take dead letters by id
        SELECT {Columns}, position FROM dead_letters
        WHERE id = ANY ($5) AND position > $1 AND position <= $2 AND ($3 IS NULL OR reason = $3)
        ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED
        """;

    private const string Delete = """
        -- remove dead letters
        DELETE FROM dead_letters WHERE id = ANY ($1)
        """;

    private const string CountAll = """
        -- count dead letters
        SELECT count(*) FROM dead_letters WHERE position <= $1 AND ($2 IS NULL OR reason = $2)
        """;

    private const string CountSome = """
        -- count dead letters by id
        SELECT count(*) FROM dead_letters WHERE position <= $1 AND ($2 IS NULL OR reason = $2) AND id = ANY ($3)
        """;

    private const string Newest = """
        -- newest dead letter
        SELECT coalesce(max(position), 0) FROM dead_letters
        """;

    // Counted to a bound, like the outbox.
    private const string Sample = """
        -- sample dead letters
        SELECT count(*) FROM (SELECT FROM dead_letters LIMIT 100001) AS counted
        """;

    /// <summary>The position of the newest letter.</summary>
    public static Task<long> NewestAsync(NpgsqlDataSource database, CancellationToken cancellationToken) =>
        ScalarAsync(database, Newest, cancellationToken);

    /// <summary>How many there are, 100,001 at most.</summary>
    public static Task<long> SampleAsync(NpgsqlDataSource database, CancellationToken cancellationToken) =>
        ScalarAsync(database, Sample, cancellationToken);

    public static Task<long> CountAsync(
        NpgsqlDataSource database,
        Selection selection,
        CancellationToken cancellationToken
    ) =>
        selection.Ids is { } ids
            ? ScalarAsync(
                database,
                CountSome,
                cancellationToken,
                Value(selection.UpTo),
                Text(selection.Reason),
                Value(ids)
            )
            : ScalarAsync(database, CountAll, cancellationToken, Value(selection.UpTo), Text(selection.Reason));

    public static async Task StoreAsync(
        NpgsqlDataSource database,
        IReadOnlyList<DeadLetter> letters,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(Insert);
        // A second more for each MiB.
        command.CommandTimeout =
            DatabaseDefaults.CommandTimeoutSeconds + (int)(letters.Sum(letter => (long)letter.Body.Length) >> 20);
        command.Parameters.AddRange(
            new NpgsqlParameter[]
            {
                Column(letter => letter.Item.Id),
                Column(letter => letter.Item.MessageId),
                Column(letter => letter.Item.EventType),
                Column(letter => letter.Item.OrderId),
                Column(letter => letter.Item.Reason),
                Column(letter => letter.Item.ExceptionType),
                Column(letter => letter.Item.ExceptionMessage),
                Column(letter => letter.Item.Attempts),
                Column(letter => letter.Item.Redriven),
                Column(letter => letter.Item.FirstFailure),
                Column(letter => letter.Item.DeadSince),
                Column(letter => letter.Item.TraceId),
                Column(letter => letter.Properties),
                Column(letter => letter.Body),
            }
        );
        await command.ExecuteNonQueryAsync(cancellationToken);

        NpgsqlParameter<T[]> Column<T>(Func<DeadLetter, T> value) => new() { TypedValue = [.. letters.Select(value)] };
    }

    public static async Task<DeadLetter?> FindAsync(
        NpgsqlDataSource database,
        Guid id,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(SelectOne);
        command.Parameters.Add(Value(id));
        return (await ReadAsync(command, cancellationToken)).FirstOrDefault();
    }

    public static async Task<IReadOnlyList<DeadLetter>> ListAsync(
        NpgsqlDataSource database,
        long after,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(SelectPage);
        command.Parameters.AddRange(new NpgsqlParameter[] { Value(after), Value(limit) });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Reads and locks the next ones, for as long as the connection's transaction is open.</summary>
    public static async Task<IReadOnlyList<DeadLetter>> TakeAsync(
        NpgsqlConnection connection,
        Selection selection,
        long after,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(selection.Ids is null ? TakeAll : TakeSome, connection);
        command.Parameters.AddRange(
            new NpgsqlParameter[] { Value(after), Value(selection.UpTo), Text(selection.Reason), Value(limit) }
        );
        if (selection.Ids is { } ids)
            command.Parameters.Add(Value(ids));
        return await ReadAsync(command, cancellationToken);
    }

    public static async Task RemoveAsync(NpgsqlConnection connection, Guid[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Delete, connection) { Parameters = { Value(ids) } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<DeadLetter>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var letters = new List<DeadLetter>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        for (
            var bytes = 0;
            bytes < MaxPageBytes && await row.ReadAsync(cancellationToken);
            bytes += letters[^1].Body.Length
        )
        {
            letters.Add(
                new DeadLetter(
                    new DeadLetterItem(
                        row.GetGuid(0),
                        Text(1),
                        row.GetString(2),
                        row.IsDBNull(3) ? null : row.GetGuid(3),
                        row.GetString(4),
                        Text(5),
                        Text(6),
                        row.GetInt32(7),
                        row.GetInt32(8),
                        row.IsDBNull(9) ? null : row.GetDateTime(9),
                        row.GetDateTime(10),
                        Text(11)
                    ),
                    row.GetFieldValue<byte[]>(12),
                    row.GetFieldValue<byte[]>(13),
                    row.GetInt64(14)
                )
            );
        }
        return letters;

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
    }

    private static async Task<long> ScalarAsync(
        NpgsqlDataSource database,
        string sql,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] parameters
    )
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private static NpgsqlParameter Text(string? text) =>
        new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
