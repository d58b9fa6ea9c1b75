using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;

namespace GoReliable.ServiceDefaults.Messaging;

/// <summary>Registration of <see cref="Broker"/>.</summary>
public static class BrokerExtensions
{
    /// <summary>Adds <see cref="Broker"/> and its health check. The connection itself is Aspire's: <c>AddRabbitMQClient</c>.</summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="whenAway">What the service is without a broker.</param>
    public static WebApplicationBuilder AddBroker(this WebApplicationBuilder builder, HealthStatus whenAway = HealthStatus.Unhealthy)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Broker>();
        builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("RabbitMQ", whenAway);
        return builder;
    }

    /// <summary>Recovers a lost connection after a second instead of five; channels and consumers are their owners' to reopen.</summary>
    public static void Configure(ConnectionFactory factory)
    {
        factory.AutomaticRecoveryEnabled = true;
        factory.TopologyRecoveryEnabled = false;
        factory.NetworkRecoveryInterval = TimeSpan.FromSeconds(1);
        // A half-open connection is noticed after three of these, measured.
        factory.RequestedHeartbeat = TimeSpan.FromSeconds(5);
    }

    // Looks at the shared connection: a check with a connection of its own leaks one per probe.
    private sealed class BrokerHealthCheck(Broker broker) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(broker.IsConnected
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "No connection to RabbitMQ."));
    }
}
