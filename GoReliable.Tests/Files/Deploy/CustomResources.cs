using System.Text.Json;
using k8s;
using k8s.Models;
using YamlDotNet.Serialization;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// An object of a type that an operator brings. Its spec is the schema: what we use of it, and nothing else.
/// </summary>
internal sealed record CustomResource<TSpec>(TSpec Spec) : IKubernetesObject<V1ObjectMeta>
{
    public required string ApiVersion { get; set; }
    public required string Kind { get; set; }
    public required V1ObjectMeta Metadata { get; set; }
}

/// <summary>
/// Reads custom resources strictly: an unknown member, a member of the wrong type and a missing required one are
/// errors.
/// </summary>
internal static class CustomResources
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder()
        .WithAttemptingUnquotedStringTypeDeserialization()
        .WithDuplicateKeyChecking()
        .Build();

    private static readonly ISerializer Json = new SerializerBuilder().JsonCompatible().Build();

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    private static readonly Dictionary<string, Type> Types = new()
    {
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(CustomResource<PodMonitorSpec>),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(CustomResource<AlertRules>),
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(CustomResource<ScaledObjectSpec>),
        ["keda.sh/v1alpha1/TriggerAuthentication"] = typeof(CustomResource<TriggerAuthenticationSpec>),
        ["external-secrets.io/v1/ExternalSecret"] = typeof(CustomResource<ExternalSecretSpec>),
        ["postgresql.cnpg.io/v1/Cluster"] = typeof(CustomResource<PostgresClusterSpec>),
        ["postgresql.cnpg.io/v1/Database"] = typeof(CustomResource<PostgresDatabaseSpec>),
        ["rabbitmq.com/v1beta1/RabbitmqCluster"] = typeof(CustomResource<RabbitmqClusterSpec>),
        ["argoproj.io/v1alpha1/Application"] = typeof(CustomResource<ApplicationSpec>),
        ["argoproj.io/v1alpha1/AppProject"] = typeof(CustomResource<AppProjectSpec>),
    };

    /// <summary>The object, or null when its type is not one of an operator.</summary>
    public static IKubernetesObject<V1ObjectMeta>? Parse(string apiVersion, string kind, string yaml) =>
        Types.TryGetValue($"{apiVersion}/{kind}", out var type)
            ? (IKubernetesObject<V1ObjectMeta>)Read(yaml, type)
            : null;

    /// <summary>A document of any type.</summary>
    public static T Read<T>(string yaml) => (T)Read(yaml, typeof(T));

    private static object Read(string yaml, Type type) =>
        JsonSerializer.Deserialize(Json.Serialize(Yaml.Deserialize(yaml)), type, Strict)!;
}
