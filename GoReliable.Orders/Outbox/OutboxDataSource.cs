using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>The connections of the relay, which are unlike those of requests.</summary>
internal static class OutboxDataSource
{
    /// <summary>
    /// Connections for <see cref="OutboxReader"/>, not pooled: a pooled connection that is closed stays open, and would
    /// keep the lock.
    /// </summary>
    public static NpgsqlDataSource Create(string connectionString)
    {
        // While the broker blocks publishing, the relay is idle. Without KeepAlive, idle_session_timeout below would end
        // its connection and so its lock, and another relay would publish the same again.
        var source = new NpgsqlDataSourceBuilder(connectionString)
        {
            ConnectionStringBuilder = { Pooling = false, KeepAlive = 10 },
        };
        string[] options =
        [
            // A relay whose host vanished must not keep the lock from the others until TCP notices, which takes hours.
            "-c idle_session_timeout=30s",
            // If a crash of the server loses a deletion, the event is published again, and the inbox recognises it.
            "-c synchronous_commit=off",
            // Statements are planned once, while the table is mostly empty, and used when it has a million rows.
            "-c enable_seqscan=off -c enable_sort=off",
        ];
        DatabaseDefaults.Configure(source, "orders-db-relay", options: string.Join(' ', options));
        return source.Build();
    }
}
