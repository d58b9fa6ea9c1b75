using System.Reflection;
using DbUp;
using DbUp.Engine;
using DbUp.Engine.Transactions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace GoReliable.Database.Schema;

/// <summary>Brings a service's database up to the numbered SQL scripts in its assembly.</summary>
/// <remarks>
/// Runs in the background of a service for as long as it takes: the service starts even while its database is away, and
/// says so on <c>/health/startup</c>. Or it is all that a process does: <see cref="SchemaExtensions.MigrateAsync"/>.
/// Any number of processes may start at once: one of them upgrades, the others wait and find nothing left to do.
/// </remarks>
public sealed partial class SchemaUpgrade(
    Assembly scripts,
    NpgsqlDataSource database,
    ILogger<SchemaUpgrade> logger,
    TimeProvider time
) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // For each statement of a script: building an index takes longer than an answer to a request may.
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromMinutes(2);

    // Any number, as long as every replica takes the same. Advisory locks belong to one database.
    private const long LockKey = 0x476F_5363_6865_6D61;

    private readonly TaskCompletionSource upgraded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Why the schema is not there yet, or null once it is.</summary>
    public string? NotReadyBecause { get; private set; } = "The database has not answered yet.";

    /// <summary>Waits until the schema is there; background work that needs tables calls this first.</summary>
    /// <exception cref="OperationCanceledException">The service stops.</exception>
    public Task WaitAsync(CancellationToken cancellationToken) => upgraded.Task.WaitAsync(cancellationToken);

    /// <summary>Upgrades now, in a process that is not started as a service.</summary>
    /// <param name="timeout">After this no new attempt begins. A script that runs by then is not cut off.</param>
    /// <returns>False when the schema could not be upgraded; the log says why.</returns>
    public async Task<bool> UpgradeWithinAsync(TimeSpan timeout)
    {
        using var giveUp = new CancellationTokenSource(timeout, time);
        try
        {
            await ExecuteAsync(giveUp.Token);
            return true;
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            LogGivenUp(timeout, NotReadyBecause);
            return false;
        }
    }

    Task<HealthCheckResult> IHealthCheck.CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken
    ) =>
        Task.FromResult(
            NotReadyBecause is { } reason
                ? new HealthCheckResult(context.Registration.FailureStatus, reason)
                : HealthCheckResult.Healthy()
        );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!await TryUpgradeAsync(stoppingToken))
            await Task.Delay(Pause, time, stoppingToken);

        NotReadyBecause = null;
        upgraded.SetResult();
    }

    private async Task<bool> TryUpgradeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            // So that it is closed, and not pooled, when it is disposed of: its session keeps the lock and lock_timeout.
            database.Clear();
            if (!await LockAsync(connection, cancellationToken))
            {
                NotReadyBecause = "Another replica is upgrading the schema.";
                return false;
            }

            // DbUp has no asynchronous API.
            var result = await Task.Run(() => Upgrade(connection), cancellationToken);
            if (result.Successful)
            {
                var applied = result.Scripts.Count();
                LogUpgraded(applied);
                return true;
            }
            Report(result.Error, result.ErrorScript?.Name);
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Report(exception, script: null);
        }
        return false;
    }

    // A lock of the session: it is held for as long as scripts run on this connection, and no longer. A script waits
    // for a table's lock for two seconds at most and is then tried again, because everybody else queues behind it.
    private static async Task<bool> LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Tried, not waited for: a session that waits would run into its command timeout. And not tried at a pooler that
        // takes no options: the lock would stay with one of its sessions.
        await using var @lock = new NpgsqlCommand(
            $"""
            SELECT option, CASE WHEN option IS NOT NULL THEN pg_try_advisory_lock({LockKey}) END,
                set_config('lock_timeout', coalesce(nullif(current_setting('lock_timeout'), '0'), '2s'), false)
            FROM current_setting('goreliable.options', true) AS option
            """,
            connection
        );
        await using var row = await @lock.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return row.IsDBNull(0) ? throw new InvalidOperationException(PoolerTakesNoOptions("")) : row.GetBoolean(1);
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await database.OpenConnectionAsync(cancellationToken);
        }
        catch (PostgresException missing) when (missing.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            if (await MissingDatabase.CreateAsync(database, cancellationToken) is { } created)
                LogDatabaseCreated(created);
            return await database.OpenConnectionAsync(cancellationToken);
        }
        catch (PostgresException pooler)
            when (pooler.SqlState is PostgresErrorCodes.ProtocolViolation or PostgresErrorCodes.FeatureNotSupported
                && pooler.MessageText.Contains("option", StringComparison.Ordinal)
            )
        {
            throw new InvalidOperationException(PoolerTakesNoOptions($" ({pooler.MessageText})"), pooler);
        }
    }

    private static string PoolerTakesNoOptions(string answer) =>
        $"The connection to PostgreSQL leads through a pooler that takes no start-up options{answer}. "
        + "Connect to PostgreSQL itself: services keep few connections, and the relay's lock needs a session.";

    private DatabaseUpgradeResult Upgrade(NpgsqlConnection connection) =>
        DeployChanges
            .To.PostgresqlDatabase(new OneConnection(connection))
            .WithScriptsEmbeddedInAssembly(scripts)
            .WithTransactionPerScript()
            .WithExecutionTimeout(StatementTimeout)
            .LogToNowhere()
            .Build()
            .PerformUpgrade();

    // The same reason every second is logged only once.
    private void Report(Exception exception, string? script)
    {
        var reason = script is null ? exception.Message : $"{script}: {exception.Message}";
        if (reason == NotReadyBecause)
            return;
        NotReadyBecause = reason;
        if (script is null)
            LogUnavailable(reason);
        else
            LogFailed(exception, script);
    }

    // DbUp would open a connection of its own, beside the one that has the lock.
    private sealed class OneConnection(NpgsqlConnection connection) : DatabaseConnectionManager(_ => connection)
    {
        public override IEnumerable<string> SplitScriptIntoCommands(string scriptContents) => [scriptContents];
    }

    [LoggerMessage(
        EventName = "schema.database_created",
        Level = LogLevel.Information,
        Message = "Database {Database} did not exist and was created"
    )]
    private partial void LogDatabaseCreated(string database);

    [LoggerMessage(
        EventName = "schema.upgraded",
        Level = LogLevel.Information,
        Message = "Schema is up to date, {Applied} script(s) applied"
    )]
    private partial void LogUpgraded(int applied);

    [LoggerMessage(
        EventName = "schema.unavailable",
        Level = LogLevel.Warning,
        Message = "Schema cannot be upgraded yet, trying again every second: {Reason}"
    )]
    private partial void LogUnavailable(string reason);

    [LoggerMessage(
        EventName = "schema.given_up",
        Level = LogLevel.Error,
        Message = "Schema could not be upgraded within {Timeout}: {Reason}"
    )]
    private partial void LogGivenUp(TimeSpan timeout, string? reason);

    [LoggerMessage(
        EventName = "schema.failed",
        Level = LogLevel.Error,
        Message = "Schema script {Script} failed, trying again every second"
    )]
    private partial void LogFailed(Exception exception, string script);
}
