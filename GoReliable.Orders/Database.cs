using System.Diagnostics;
using Npgsql;

namespace GoReliable.Orders;

/// <summary>How this service talks to PostgreSQL.</summary>
internal static class Database
{
    /// <summary>Prepares every statement by itself and names spans by the first line of their SQL.</summary>
    public static void Configure(NpgsqlDataSourceBuilder builder)
    {
        // Else the pool's metrics are labelled with the connection string.
        builder.Name = "orders-db";
        builder.ConnectionStringBuilder.MaxAutoPrepare = 32;
        builder.ConnectionStringBuilder.AutoPrepareMinUsages = 2;
        builder.ConnectionStringBuilder.CommandTimeout = 10;
        builder.ConfigureTracing(tracing => tracing
            // No span without a request or message around it: polling, sampling and probes make none.
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null)
            .ConfigureCommandSpanNameProvider(command => Name(command.CommandText))
            .ConfigureBatchSpanNameProvider(batch => Name(batch.BatchCommands[0].CommandText)));
    }

    // Statements begin with "-- name", which the database's own log and pg_stat_activity show as well.
    private static string? Name(string sql) => sql.StartsWith("-- ", StringComparison.Ordinal) ? sql[3..sql.IndexOf('\n', StringComparison.Ordinal)] : null;
}
