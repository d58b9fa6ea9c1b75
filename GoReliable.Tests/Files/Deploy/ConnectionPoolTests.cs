using System.Data.Common;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// With the maximum number of pods, in the middle of an update, all pools fit into max_connections.
/// </summary>
public sealed class ConnectionPoolTests
{
    /// <summary>For superusers (3), the operator, its metrics, backups, and people with psql.</summary>
    private const int Reserve = 20;

    /// <summary>The relay holds its lock on a connection that is in no pool.</summary>
    private static readonly Dictionary<string, int> BesideThePool = new() { ["orders"] = 1, ["notifications"] = 0 };

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_server_has_room_for_all_connection_pools(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var places = int.Parse(
            platform.Objects.Only<PostgresClusterSpec>().Spec.Postgresql.Parameters["max_connections"]
        );

        var connections = BesideThePool.ToDictionary(
            service => service.Key,
            service => Pods(platform, service.Key) * (Pool(platform, service.Key) + service.Value)
        );

        Assert.True(
            connections.Values.Sum() <= places - Reserve,
            $"{string.Join(" + ", connections)} connections do not fit into {places} - {Reserve}."
        );
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_service_and_migration_with_a_database_has_a_pool_of_known_size(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        foreach (var container in platform.Containers)
        foreach (
            var (name, value) in platform
                .EnvironmentOf(container)
                .Where(variable => variable.Key.EndsWith("-db", StringComparison.Ordinal))
        )
        {
            var database = name.Split("__")[1].Split('-')[0];
            Assert.Equal(
                $"$({database.ToUpperInvariant()}_DB_POOL)",
                new DbConnectionStringBuilder { ConnectionString = value }["Maximum Pool Size"]
            );
        }
    }

    // The autoscaler's maximum, the surge pods of a rolling update, and old pods that are still terminating.
    private static int Pods(Overlay platform, string service)
    {
        var deployment = platform.Deployments.Single(deployment => deployment.Metadata.Name == service);
        var update = deployment.Spec.Strategy.RollingUpdate;
        Assert.Equal("0", update.MaxUnavailable.Value);
        var ending = Math.Ceiling(
            (double)deployment.Spec.Template.Spec.TerminationGracePeriodSeconds!.Value
                / deployment.Spec.MinReadySeconds!.Value
        );
        return MaxReplicas(platform, service) + int.Parse(update.MaxSurge.Value) + (int)ending;
    }

    private static int MaxReplicas(Overlay platform, string service)
    {
        var scaler = platform
            .Objects.Of<V2HorizontalPodAutoscaler>()
            .SingleOrDefault(one => one.Spec.ScaleTargetRef.Name == service);
        return scaler?.Spec.MaxReplicas
            ?? platform
                .Objects.Custom<ScaledObjectSpec>()
                .Single(one => one.Spec.ScaleTargetRef.Name == service)
                .Spec.MaxReplicaCount;
    }

    private static int Pool(Overlay platform, string service) =>
        int.Parse(platform.EnvironmentOf(service)[$"{service.ToUpperInvariant()}_DB_POOL"]!);
}
