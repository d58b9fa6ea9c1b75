using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

/// <summary>
/// Asks again until a resource is healthy, for a few seconds. Aspire itself asks again less and less often, at last
/// every five seconds, and would notice late that a resource has started.
/// </summary>
internal sealed class PatientCheck(IHealthCheck check) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Makes all health checks of the application patient.</summary>
    public static void UseFor(IServiceCollection services) =>
        services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var registration in options.Registrations)
            {
                var create = registration.Factory;
                registration.Factory = provider => new PatientCheck(create(provider));
            }
        });

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var result = await check.CheckHealthAsync(context, cancellationToken);
            if (result.Status == HealthStatus.Healthy || Stopwatch.GetElapsedTime(began) > Patience)
                return result;
            await Task.Delay(Pause, cancellationToken);
        }
    }
}
