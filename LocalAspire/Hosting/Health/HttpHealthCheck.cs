using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Health;

/// <summary>Healthy when a GET answers with the expected status code.</summary>
internal sealed class HttpHealthCheck(EndpointReference endpoint, string path, int expectedStatusCode) : IHealthCheck
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var replicas = endpoint.EndpointAnnotation.AllocatedReplicas;
        if (replicas.Count <= CheckedReplica.Index)
            return HealthCheckResult.Unhealthy("The endpoint has no port yet.");

        var uri = new Uri(new Uri(replicas[CheckedReplica.Index].UriString), path);
        try
        {
            using var response = await Client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (int)response.StatusCode == expectedStatusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{uri} answers {(int)response.StatusCode}, expected {expectedStatusCode}.");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"{uri} does not answer: {e.Message}");
        }
    }
}

/// <summary>
/// Which replica is being checked. Aspire checks through its proxy and asks any replica;
/// without one, each is asked for itself. It flows to the checks, which know nothing of replicas.
/// </summary>
internal static class CheckedReplica
{
    private static readonly AsyncLocal<int> Current = new();

    public static int Index
    {
        get => Current.Value;
        set => Current.Value = value;
    }
}
