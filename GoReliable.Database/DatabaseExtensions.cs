using System.Reflection;
using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace GoReliable.Database;

/// <summary>PostgreSQL for a service, with one call.</summary>
public static class DatabaseExtensions
{
    private const string Form =
        "It must be pairs such as Host=db;Username=orders;Password=…;Database=orders-db, with a host, "
        + "and a value with ; or = or ' in double quotes. A postgres:// URL is not understood.";

    /// <summary>
    /// Adds the service's database, its schema and their health checks. The connection string may set another size of
    /// the pool. Scripts are embedded <c>*.sql</c>, applied once each, in the order of their names.
    /// </summary>
    /// <exception cref="InvalidSettingException">The connection string is not set or cannot be used.</exception>
    public static WebApplicationBuilder AddDatabase(
        this WebApplicationBuilder builder,
        string name,
        Assembly scripts,
        int maxPoolSize = DatabaseDefaults.MaxPoolSize
    )
    {
        builder.RequireConnectionString(name, Form, IsReadable);
        builder.AddNpgsqlDataSource(name, configureDataSourceBuilder: source =>
            DatabaseDefaults.Configure(source, name, maxPoolSize)
        );
        builder.Services.AddExceptionHandler<ReadOnlyServer.AfterRequests>();
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<SchemaUpgrade>(services, scripts));
        builder.Services.AddHostedService(services => services.GetRequiredService<SchemaUpgrade>());
        builder.Services.AddHealthChecks().AddCheck<SchemaUpgrade>("Schema", tags: [HealthEndpoints.Startup]);
        return builder;
    }

    private static bool IsReadable(string text)
    {
        using var source = NpgsqlDataSource.Create(text);
        return new NpgsqlConnectionStringBuilder(text).Host!.Split(',').All(host => !string.IsNullOrWhiteSpace(host));
    }
}
