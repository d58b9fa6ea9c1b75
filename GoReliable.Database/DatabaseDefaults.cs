using System.Diagnostics;
using Npgsql;

namespace GoReliable.Database;

/// <summary>How every service talks to PostgreSQL.</summary>
public static class DatabaseDefaults
{
    /// <summary>
    /// How many seconds a statement may take. The gateway waits for ten, and for three where it may try again.
    /// </summary>
    public const int CommandTimeoutSeconds = 5;

    /// <summary>How many seconds to wait for a free connection of the pool, or for a new one.</summary>
    public const int ConnectTimeoutSeconds = 4;

    /// <summary>
    /// PostgreSQL accepts 100 connections from all services together. Connections of a vanished host stay open for a
    /// minute, so all pools must fit twice: 2 × (32 + 1 of the relay + 12 of notifications) = 90. More than a few
    /// connections per core make the server slower. A request that finds no free connection waits in the service, where
    /// waiting is cheap. The connection string may set another size.
    /// </summary>
    public const int MaxPoolSize = 32;

    /// <summary>
    /// By default PostgreSQL notices a vanished host only after hours, and keeps its locks and connections until then.
    /// A few such hosts use up all connections. So TCP keep-alive probes are sent sooner, and give up after a minute.
    /// JIT is off: compiling takes longer than any statement here. SchemaUpgrade reads the first option back, to notice
    /// a pooler that drops options.
    /// </summary>
    private const string Options =
        "-c goreliable.options=on -c jit=off -c idle_in_transaction_session_timeout=60s "
        + "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3";

    /// <summary>
    /// Prepares statements automatically, and names spans by the first line of their SQL. Settings in the connection
    /// string take precedence, and so do the session options that it names.
    /// </summary>
    /// <param name="database">The data source that is configured.</param>
    /// <param name="name">
    /// The label of its pool's metrics, which would otherwise be the whole connection string; also the name of its
    /// sessions.
    /// </param>
    /// <param name="maxPoolSize">Connections at most.</param>
    /// <param name="options">More options for the session.</param>
    public static void Configure(
        NpgsqlDataSourceBuilder database,
        string name,
        int maxPoolSize = MaxPoolSize,
        string options = ""
    )
    {
        database.Name = name;
        var settings = database.ConnectionStringBuilder;
        Default(settings, "Application Name", name);
        Default(settings, "Max Auto Prepare", 32);
        Default(settings, "Auto Prepare Min Usages", 2);
        Default(settings, "Timeout", ConnectTimeoutSeconds);
        Default(settings, "Command Timeout", CommandTimeoutSeconds);
        // To reset a session costs the server about as much as to read an order. No statement leaves anything in a
        // session that is pooled: the relay's is not, and SchemaUpgrade ends its own.
        Default(settings, "No Reset On Close", true);
        Default(settings, "Maximum Pool Size", maxPoolSize);
        // If an option has two values, the server takes the last.
        settings.Options =
            $"{Options} {options} {settings.Options ?? Environment.GetEnvironmentVariable("PGOPTIONS")}".TrimEnd();
        database.ConfigureTracing(tracing =>
            tracing
                // Inside the trace of a request or a message, or not at all: polling, sampling and probes make no
                // spans.
                .ConfigureCommandFilter(_ => Activity.Current is { Recorded: true })
                .ConfigureBatchFilter(_ => Activity.Current is { Recorded: true })
                .ConfigureCommandSpanNameProvider(command => Name(command.CommandText))
                .ConfigureBatchSpanNameProvider(batch =>
                    batch
                        .BatchCommands.Cast<NpgsqlBatchCommand>()
                        .Select(command => Name(command.CommandText))
                        .FirstOrDefault(found => found is not null)
                )
                .ConfigureBatchEnrichmentCallback(Describe)
                .EnableFirstResponseEvent(false)
                .EnablePhysicalOpenTracing(false)
        );
    }

    private static void Default(NpgsqlConnectionStringBuilder settings, string keyword, object value)
    {
        if (!settings.ShouldSerialize(keyword))
            settings[keyword] = value;
    }

    // Npgsql would repeat a statement as often as it is in the batch.
    // https://opentelemetry.io/docs/specs/semconv/db/database-spans/#batch-operations
    private static void Describe(Activity span, NpgsqlBatch batch)
    {
        var texts = batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(command => command.CommandText);
        span.SetTag("db.query.text", string.Join("; ", texts.Distinct()));
        if (batch.BatchCommands.Count > 1)
            span.SetTag("db.operation.batch.size", batch.BatchCommands.Count);
    }

    // Every statement begins with "-- name", which the database's own log and pg_stat_activity show as well.
    private static string? Name(string sql) =>
        sql.StartsWith("-- ", StringComparison.Ordinal) ? sql[3..sql.IndexOf('\n', StringComparison.Ordinal)] : null;
}
