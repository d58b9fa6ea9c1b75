using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

/// <summary>
/// Healthy when a server listens. Waits for one that starts: Aspire asks again less and less often, at last every five
/// seconds, and would notice a broker late.
/// </summary>
internal sealed class PortCheck(EndpointReference endpoint) : IHealthCheck
{
    private const int Tries = 300;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        for (var i = 0; i < Tries; i++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, endpoint.Port, cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (SocketException)
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
        return HealthCheckResult.Unhealthy($"Nothing listens on port {endpoint.Port}.");
    }
}
