using System.Net.Security;
using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;

namespace GoReliable.Messaging;

/// <summary>Registration of <see cref="Broker"/>.</summary>
public static class BrokerExtensions
{
    private const string Form =
        "It must be a URL such as amqp://user:password@host:5672/virtual-host, or amqps, with a host. "
        + "In user, password and virtual host every character but letters, digits, - . _ and ~ must be encoded, "
        + "# as %23.";

    /// <summary>Adds <see cref="Broker"/> and its health check.</summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="name">The connection's name.</param>
    /// <param name="whenAway">The health of the service without a broker.</param>
    /// <param name="configure">More settings of its connections.</param>
    /// <exception cref="InvalidSettingException">The connection string is not set or cannot be used.</exception>
    public static WebApplicationBuilder AddBroker(
        this WebApplicationBuilder builder,
        string name,
        HealthStatus whenAway = HealthStatus.Unhealthy,
        Action<ConnectionFactory>? configure = null
    )
    {
        builder.RequireConnectionString(name, Form, IsReadable);
        builder.AddRabbitMQClient(
            name,
            settings =>
            {
                settings.DisableHealthChecks = true; // ours looks at the connections that are there
                settings.DisableTracing = true; // ours has one span per message
            },
            factory =>
            {
                Configure(factory);
                configure?.Invoke(factory);
            }
        );
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Broker>();
        builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("RabbitMQ", whenAway);
        return builder;
    }

    private static void Configure(ConnectionFactory factory)
    {
        // Broker opens another one. The library's recovery may wait for half a minute, or stop trying:
        // https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1871
        factory.AutomaticRecoveryEnabled = false;
        // A half-open connection is noticed after three of these, measured.
        factory.RequestedHeartbeat = TimeSpan.FromSeconds(5);
        // For amqps the client library would let a certificate of any other name pass.
        factory.Ssl.AcceptablePolicyErrors = SslPolicyErrors.None;
    }

    private static bool IsReadable(string text)
    {
        var url = new Uri(text);
        _ = new ConnectionFactory { Uri = url };
        // If the password contains an unencoded / ? or #, the host is what stands before that character, and the @
        // comes after.
        return url.Host.Length > 0 && !url.PathAndQuery.Contains('@') && !url.Fragment.Contains('@');
    }

    // Looks at the existing connections: a check with a connection of its own leaks one per probe.
    private sealed class BrokerHealthCheck(Broker broker) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        )
        {
            var whenAway = context.Registration.FailureStatus;
            return Task.FromResult(
                broker switch
                {
                    { IsConnected: false } => new HealthCheckResult(whenAway, "No connection to RabbitMQ."),
                    // A service that never had its queues is set up wrong, and the rollout should stop. One that had
                    // them can wait for them.
                    { RefusedReason: { } reason, WasDeclared: var had } => new HealthCheckResult(
                        had ? whenAway : HealthStatus.Unhealthy,
                        $"RabbitMQ refuses what is declared: {reason}"
                    ),
                    { BlockedReason: { } reason } => HealthCheckResult.Degraded(
                        $"RabbitMQ takes no messages: {reason}."
                    ),
                    _ => HealthCheckResult.Healthy(),
                }
            );
        }
    }
}
