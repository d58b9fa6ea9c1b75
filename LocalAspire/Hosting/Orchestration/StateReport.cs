using System.Globalization;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Orchestration;

internal static class StateReport
{
    /// <summary>One line per resource; below those that are not healthy, why, and their last log lines.</summary>
    public static string Write(IEnumerable<ResourceEvent> states, ResourceLogs logs)
    {
        var report = new StringBuilder("The resources are:");
        foreach (var (resource, id, snapshot) in states.Where(s => s.Resource is not ParameterResource).Select(s => (s.Resource, s.ResourceId, s.Snapshot)))
        {
            report.AppendLine().Append(CultureInfo.InvariantCulture, $"  {id}: {Describe(snapshot)}");
            if (snapshot.HealthStatus == HealthStatus.Healthy)
                continue;

            foreach (var check in snapshot.HealthReports.Where(r => r.Status != HealthStatus.Healthy && r.Description is not null))
                report.AppendLine().Append(CultureInfo.InvariantCulture, $"      health: {check.Description}");

            foreach (var line in logs.Last(id, 20))
                report.AppendLine().Append(CultureInfo.InvariantCulture, $"      | {line}");
        }

        return report.ToString();
    }

    public static string Describe(CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text ?? "unknown";
        return snapshot.ExitCode is { } code ? $"{state} with exit code {code}"
            : snapshot.HealthStatus is { } health ? $"{state}, {health}"
            : snapshot.State?.Style is { Length: > 0 } detail ? $"{state} ({detail})"
            : state;
    }
}
