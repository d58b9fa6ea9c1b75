using GoReliable.Database;
using Npgsql;

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

    // What a selection means, after a position. Ids are in statements of their own: as one, they would be planned for
    // either, and sometimes read the whole table.
    private const string Chosen = "position > $1 AND position <= $2 AND ($3 IS NULL OR reason = $3)";
    private const string ChosenById = $"id = ANY ($4) AND {Chosen}";

    // Skips letters that another operator is redriving or discarding: nothing is done twice, and no call waits.
    private const string TakeAll = $"""
        -- take dead letters
        SELECT {Columns}, position FROM dead_letters WHERE {Chosen} ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED
        """;

    private const string TakeSome = $"""
        -- take dead letters by id
        SELECT {Columns}, position FROM dead_letters WHERE {ChosenById} ORDER BY position LIMIT $5 FOR UPDATE SKIP LOCKED
        """;

    private const string Delete = """
        -- remove dead letters
        DELETE FROM dead_letters WHERE id = ANY ($1)
        """;

    private const string CountAll = $"""
        -- count dead letters
        SELECT count(*) FROM dead_letters WHERE {Chosen}
        """;

    private const string CountSome = $"""
        -- count dead letters by id
        SELECT count(*) FROM dead_letters WHERE {ChosenById}
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
        database.NumberAsync(Newest, cancellationToken);

    /// <summary>How many there are, 100,001 at most.</summary>
    public static Task<long> SampleAsync(NpgsqlDataSource database, CancellationToken cancellationToken) =>
        database.NumberAsync(Sample, cancellationToken);

    /// <summary>How many of a selection are there.</summary>
    public static async Task<long> CountAsync(
        NpgsqlDataSource database,
        DeadLetterSelection selection,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(selection.Ids is null ? CountAll : CountSome);
        AddChosen(command.Parameters, selection, after: 0);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

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
                letters.Column(letter => letter.Item.Id),
                letters.Column(letter => letter.Item.MessageId),
                letters.Column(letter => letter.Item.EventType),
                letters.Column(letter => letter.Item.OrderId),
                letters.Column(letter => letter.Item.Reason),
                letters.Column(letter => letter.Item.ExceptionType),
                letters.Column(letter => letter.Item.ExceptionMessage),
                letters.Column(letter => letter.Item.Attempts),
                letters.Column(letter => letter.Item.Redriven),
                letters.Column(letter => letter.Item.FirstFailure),
                letters.Column(letter => letter.Item.DeadSince),
                letters.Column(letter => letter.Item.TraceId),
                letters.Column(letter => letter.Properties),
                letters.Column(letter => letter.Body),
            }
        );
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<DeadLetter?> FindAsync(
        NpgsqlDataSource database,
        Guid id,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(SelectOne);
        command.Parameters.AddValue(id);
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
        command.Parameters.AddValue(after);
        command.Parameters.AddValue(limit);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Reads and locks the next ones, for as long as the connection's transaction is open.</summary>
    public static async Task<IReadOnlyList<DeadLetter>> TakeAsync(
        NpgsqlConnection connection,
        DeadLetterSelection selection,
        long after,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(selection.Ids is null ? TakeAll : TakeSome, connection);
        AddChosen(command.Parameters, selection, after);
        command.Parameters.AddValue(limit);
        return await ReadAsync(command, cancellationToken);
    }

    public static async Task RemoveAsync(NpgsqlConnection connection, Guid[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Delete, connection);
        command.Parameters.AddValue(ids);
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

    private static void AddChosen(NpgsqlParameterCollection parameters, DeadLetterSelection selection, long after)
    {
        parameters.AddValue(after);
        parameters.AddValue(selection.UpTo!.Value);
        parameters.AddValue(selection.Reason);
        if (selection.Ids is { } ids)
            parameters.AddValue(ids);
    }
}
