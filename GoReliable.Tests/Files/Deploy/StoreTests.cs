using GoReliable.Notifications.Messages;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>PostgreSQL and RabbitMQ: where their nodes are, what they log and what they take.</summary>
public sealed class StoreTests
{
    private const string Zone = "topology.kubernetes.io/zone";

    [Fact]
    public async Task In_production_each_node_of_a_store_is_in_a_zone_of_its_own()
    {
        var objects = (await Overlay.BuildAsync("prod")).Objects;
        var postgres = objects.Only<PostgresClusterSpec>().Spec.Affinity;
        Assert.Equal(("required", Zone), (postgres?["podAntiAffinityType"], postgres?["topologyKey"]));

        var messaging = objects.Only<RabbitmqClusterSpec>();
        var apart = Assert.Single(
            messaging.Spec.Affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? []
        );
        Assert.Equal(Zone, apart.TopologyKey);
        Assert.Equal(messaging.Metadata.Name, apart.LabelSelector.MatchLabels["app.kubernetes.io/name"]);
    }

    // CloudNativePG makes such a budget for PostgreSQL, the RabbitMQ operator makes none.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Draining_nodes_takes_one_broker_at_a_time(string overlay)
    {
        var objects = (await Overlay.BuildAsync(overlay)).Objects;
        var broker = objects.Only<RabbitmqClusterSpec>().Metadata.Name;
        var budget = Assert.Single(objects.Of<V1PodDisruptionBudget>(), budget =>
            budget.Spec.Selector.MatchLabels["app.kubernetes.io/name"] == broker
        );
        Assert.Equal("1", budget.Spec.MaxUnavailable.Value);
    }

    // PostgreSQL logs a slow statement with the values of its parameters unless told otherwise.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task No_personal_data_is_in_PostgreSQLs_log(string overlay)
    {
        var objects = (await Overlay.BuildAsync(overlay)).Objects;
        var parameters = objects.Only<PostgresClusterSpec>().Spec.Postgresql.Parameters;
        Assert.Equal("0", parameters.GetValueOrDefault("log_parameter_max_length"));
        Assert.Equal("0", parameters.GetValueOrDefault("log_parameter_max_length_on_error"));
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_broker_takes_no_message_that_a_worker_cannot_take(string overlay)
    {
        var objects = (await Overlay.BuildAsync(overlay)).Objects;
        var configuration = objects.Only<RabbitmqClusterSpec>().Spec.Rabbitmq["additionalConfig"];
        Assert.Contains($"max_message_size = {RawMessage.MaxBodyBytes}", configuration.Split('\n'));
    }
}
