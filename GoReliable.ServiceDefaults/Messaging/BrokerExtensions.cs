using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;

namespace GoReliable.ServiceDefaults.Messaging;

/// <summary>Registration of <see cref="Broker"/>.</summary>
public static class BrokerExtensions
{
    /// <summary>
    /// Adds <see cref="Broker"/> and its health check. Aspire's <c>AddRabbitMQClient</c> tells it where the broker is.
    /// </summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="whenAway">The health of the service without a broker.</param>
    public static WebApplicationBuilder AddBroker(this WebApplicationBuilder builder, HealthStatus whenAway = HealthStatus.Unhealthy)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Broker>();
        builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("RabbitMQ", whenAway);
        return builder;
    }

    /// <summary>
    /// Recovers a lost connection after a second instead of five. The owners of channels and consumers must reopen
    /// them.
    /// </summary>
    public static void Configure(ConnectionFactory factory)
    {
        factory.AutomaticRecoveryEnabled = true;
        factory.TopologyRecoveryEnabled = false;
        factory.NetworkRecoveryInterval = TimeSpan.FromSeconds(1);
        // A half-open connection is noticed after three of these, measured.
        factory.RequestedHeartbeat = TimeSpan.FromSeconds(5);
    }

    // Looks at the existing connections: a check with a connection of its own leaks one per probe.
    private sealed class BrokerHealthCheck(Broker broker) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var whenAway = context.Registration.FailureStatus;
            return Task.FromResult(broker switch
            {
                { IsConnected: false } => new HealthCheckResult(whenAway, "No connection to RabbitMQ."),
                // A service that never had its queues is set up wrong, and the rollout should stop. One that had them
                // can wait for them.
                { Refused: { } reason, WasDeclared: var had } => new HealthCheckResult(
                    had ? whenAway : HealthStatus.Unhealthy, $"RabbitMQ refuses what is declared: {reason}"),
                { Blocked: { } reason } => HealthCheckResult.Degraded($"RabbitMQ takes no messages: {reason}."),
                _ => HealthCheckResult.Healthy(),
            });
        }
    }
}
