using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Console;

/// <summary>The resources with their states and URLs.</summary>
internal static class ResourceTable
{
    /// <summary>Scripts wait for this line.</summary>
    public const string AllHealthy = "All resources are healthy.";

    /// <summary>The sentence below the table; null as long as something is still on its way.</summary>
    public static string? Verdict(IReadOnlyCollection<ResourceEvent> states)
    {
        var relevant = states.Where(s => s.Resource is not ParameterResource && LocalProgram.WhySkipped(s.Resource) is null && !s.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any()).ToArray();
        var failed = relevant.Where(s => ResourceNotificationService.IsUnavailable(s.Snapshot) && s.Snapshot.State?.Text != KnownResourceStates.Finished).ToArray();
        if (relevant.Length == 0 || relevant.Except(failed).Any(s => !IsSettled(s.Snapshot)))
            return null;

        return failed.Length == 0 ? AllHealthy : $"Failed: {string.Join(", ", failed.Select(s => NameOf(s.ResourceId, states)))}.";
    }

    public static string Draw(IReadOnlyCollection<ResourceEvent> states)
    {
        string[][] rows =
        [
            ["RESOURCE", "STATE", "URL"],
            .. states.Where(s => s.Resource is not ParameterResource).Select(s => new[] { NameOf(s.ResourceId, states), State(s), string.Join("  ", s.Snapshot.Urls.Select(u => u.Url)) }),
        ];
        var widths = Enumerable.Range(0, 2).Select(column => rows.Max(row => row[column].Length)).ToArray();

        var table = new StringBuilder();
        foreach (var row in rows)
            table.AppendLine().Append($"  {row[0].PadRight(widths[0])}  {row[1].PadRight(widths[1])}  {row[2]}".TrimEnd());

        return table.ToString();
    }

    /// <summary>A resource's name; with a number, when it has replicas.</summary>
    public static string NameOf(string id, IReadOnlyCollection<ResourceEvent> states)
    {
        if (states.FirstOrDefault(s => s.ResourceId == id) is not { } state)
            return id;

        var replicas = states.Where(s => s.Resource == state.Resource).ToList();
        return replicas.Count == 1 ? state.Resource.Name : $"{state.Resource.Name}/{replicas.FindIndex(s => s.ResourceId == id) + 1}";
    }

    private static bool IsSettled(CustomResourceSnapshot snapshot) =>
        (snapshot.HealthStatus == HealthStatus.Healthy && snapshot.ReadyEvent is { IsCompleted: true }) || snapshot.State?.Text == KnownResourceStates.Finished;

    private static string State(ResourceEvent state) => LocalProgram.WhySkipped(state.Resource) ?? StateReport.Describe(state.Snapshot);
}
