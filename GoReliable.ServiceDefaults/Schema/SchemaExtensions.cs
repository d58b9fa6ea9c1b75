using System.Reflection;
using GoReliable.ServiceDefaults.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.ServiceDefaults.Schema;

/// <summary>Registration of <see cref="SchemaUpgrade"/>.</summary>
public static class SchemaExtensions
{
    /// <summary>Adds <see cref="SchemaUpgrade"/> and its health check, for the database of <c>AddNpgsqlDataSource</c>.</summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="scripts">The assembly with the scripts: embedded <c>*.sql</c>, applied once each, in the order of their names.</param>
    public static WebApplicationBuilder AddSchema(this WebApplicationBuilder builder, Assembly scripts)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<SchemaUpgrade>(services, scripts));
        builder.Services.AddHostedService(services => services.GetRequiredService<SchemaUpgrade>());
        builder.Services.AddHealthChecks().AddCheck<SchemaHealthCheck>("Schema", tags: [HealthEndpoints.Startup]);
        return builder;
    }

    private sealed class SchemaHealthCheck(SchemaUpgrade schema) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(schema.NotReadyBecause is { } reason
                ? new HealthCheckResult(context.Registration.FailureStatus, reason)
                : HealthCheckResult.Healthy());
    }
}
