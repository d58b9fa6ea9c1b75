using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GoReliable.Database.Schema;

/// <summary>Work on a database besides what requests do.</summary>
public static class SchemaExtensions
{
    /// <summary>
    /// Adds <see cref="ExpiredRows"/> of a table, for the database of <c>AddNpgsqlDataSource</c>. The statement deletes
    /// a bounded number of rows that are older than <c>$1</c>, by an index.
    /// </summary>
    public static WebApplicationBuilder AddExpiry(
        this WebApplicationBuilder builder,
        string table,
        string sql,
        Func<IServiceProvider, TimeSpan> retention
    )
    {
        // Not AddHostedService, which ignores a second service of the same type.
        builder.Services.AddSingleton<IHostedService>(services =>
            ActivatorUtilities.CreateInstance<ExpiredRows>(
                services,
                table,
                sql,
                new Func<TimeSpan>(() => retention(services))
            )
        );
        return builder;
    }

    /// <summary>The same, with a retention that is set when the service starts.</summary>
    public static WebApplicationBuilder AddExpiry<TOptions>(
        this WebApplicationBuilder builder,
        string table,
        string sql,
        Func<TOptions, TimeSpan> retention
    )
        where TOptions : class =>
        builder.AddExpiry(table, sql, services => retention(services.GetRequiredService<IOptions<TOptions>>().Value));

    /// <summary>
    /// Upgrades the schema and nothing else: no hosted service runs, no port is opened. Ends by itself, for an init
    /// container, when the database stays away for <c>Migration:Timeout</c> (two minutes).
    /// </summary>
    /// <param name="builder">The builder of a service; it needs only logs and the database.</param>
    /// <exception cref="InvalidSettingException">That setting is no such duration.</exception>
    /// <returns>The exit code of the process: 0, or 1 when the schema could not be upgraded.</returns>
    public static async Task<int> MigrateAsync(this WebApplicationBuilder builder)
    {
        var timeout = DurationAttribute.Read(
            builder.Configuration,
            "Migration:Timeout",
            TimeSpan.FromMinutes(2),
            TimeSpan.FromSeconds(1),
            TimeSpan.FromHours(1)
        );
        // Disposed before the process ends, or the last log lines stay in their queues.
        await using var app = builder.Build();
        return await app.Services.GetRequiredService<SchemaUpgrade>().UpgradeWithinAsync(timeout) ? 0 : 1;
    }
}
