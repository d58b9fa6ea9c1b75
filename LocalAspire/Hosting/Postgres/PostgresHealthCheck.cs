using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Aspire.Hosting.Postgres;

/// <summary>Healthy when a query is answered.</summary>
internal sealed class PostgresHealthCheck(IResourceWithConnectionString resource, string? addition) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // Not pooled: a pool would keep connections open that block a smart shutdown, one per check.
            var connectionString = $"{await resource.GetConnectionStringAsync(cancellationToken)};{addition};Pooling=false;Timeout=3;Command Timeout=3";
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            var server = resource as PostgresServerResource ?? ((PostgresDatabaseResource)resource).Parent;
            var wrongPassword = new WrongPasswordException(server, server.PasswordParameter, e);
            return HealthCheckResult.Unhealthy(wrongPassword.Message, wrongPassword);
        }
        catch (Exception e) when (e is NpgsqlException or System.Net.Sockets.SocketException or TimeoutException or InvalidOperationException)
        {
            return HealthCheckResult.Unhealthy(e.Message, e);
        }
    }
}
