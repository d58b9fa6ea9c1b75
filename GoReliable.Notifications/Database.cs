using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;

namespace GoReliable.Notifications;

/// <summary>How the worker uses PostgreSQL.</summary>
internal static class Database
{
    private static readonly ConcurrentDictionary<string, string> Names = new();

    public static void Configure(NpgsqlDataSourceBuilder database)
    {
        // The label of the pool's metrics; without it the whole connection string would be.
        database.Name = "notifications-db";
        database.ConnectionStringBuilder.MaxAutoPrepare = 20;
        database.ConnectionStringBuilder.AutoPrepareMinUsages = 2;
        database.ConfigureTracing(tracing => tracing
            // Inside the trace of a message or a request, or not at all: nobody asks what a probe's SELECT did.
            .ConfigureCommandFilter(_ => Activity.Current is { Recorded: true })
            .ConfigureBatchFilter(_ => Activity.Current is { Recorded: true })
            .ConfigureCommandSpanNameProvider(command => Name(command.CommandText))
            .ConfigureBatchSpanNameProvider(batch => batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(command => Name(command.CommandText)).FirstOrDefault(name => name is not null))
            .EnableFirstResponseEvent(false)
            .EnablePhysicalOpenTracing(false));
    }

    /// <summary>Every statement starts with a comment that names it: in traces, and in <c>pg_stat_activity</c> as well.</summary>
    private static string? Name(string sql) =>
        sql.StartsWith("-- ", StringComparison.Ordinal) ? Names.GetOrAdd(sql, text => text[3..text.IndexOf('\n')]) : null;
}
