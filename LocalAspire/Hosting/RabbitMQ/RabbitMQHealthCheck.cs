using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Aspire.Hosting.RabbitMQ;

/// <summary>Healthy when the broker accepts a connection.</summary>
internal sealed class RabbitMQHealthCheck(RabbitMQServerResource broker) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            IResourceWithConnectionString resource = broker;
            var factory = new ConnectionFactory
            {
                Uri = new Uri((await resource.GetConnectionStringAsync(cancellationToken))!),
                AutomaticRecoveryEnabled = false,
                ClientProvidedName = "health check of the AppHost",
                RequestedConnectionTimeout = TimeSpan.FromSeconds(3),
            };
            await using var connection = await factory.CreateConnectionAsync(cancellationToken);
            await connection.CloseAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (BrokerUnreachableException e) when (e.InnerException is AuthenticationFailureException)
        {
            var wrongPassword = new WrongPasswordException(broker, broker.PasswordParameter, e);
            return HealthCheckResult.Unhealthy(wrongPassword.Message, wrongPassword);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or InvalidOperationException)
        {
            return HealthCheckResult.Unhealthy(e.Message, e);
        }
    }
}
