using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.ServiceDefaults.Health;

/// <summary>Liveness, readiness and start-up, as Kubernetes asks for them.</summary>
public static class HealthEndpoints
{
    /// <summary>Tag of checks that must have passed once before the service counts as started.</summary>
    public const string Startup = "startup";

    internal static IApplicationBuilder UseHealthEndpoints(this IApplicationBuilder app) =>
        app
        // Alive as long as it answers: a liveness probe that asks the database would restart all replicas when the
        // database restarts.
        .UseHealthChecks("/health/live", Answer(_ => false))
            .UseHealthChecks("/health/startup", Answer(check => check.Tags.Contains(Startup)))
            .UseHealthChecks("/health/ready", Answer(_ => true));

    private static HealthCheckOptions Answer(Func<HealthCheckRegistration, bool> predicate) =>
        new() { Predicate = predicate, ResponseWriter = WriteAsync };

    // Says why: a bare "Unhealthy" sends people to the logs. Only the management port shows it.
    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", report.Status.ToString());
        json.WriteStartObject("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject(name);
            json.WriteString("status", entry.Status.ToString());
            if ((entry.Description ?? entry.Exception?.Message) is { } reason)
                json.WriteString("reason", reason);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
