using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>https://cloudnative-pg.io/docs/current/cloudnative-pg.v1#clusterspec</summary>
internal sealed class PostgresClusterSpec
{
    public required int Instances { get; set; }
    public required string ImageName { get; set; }
    public Dictionary<string, string>? Affinity { get; set; }
    public required BootstrapSpec Bootstrap { get; set; }
    public required ManagedSpec Managed { get; set; }
    public required Dictionary<string, string> Storage { get; set; }
    public required Dictionary<string, string> WalStorage { get; set; }
    public required Dictionary<string, Dictionary<string, string>> Resources { get; set; }
    public required PostgresqlSpec Postgresql { get; set; }

    internal sealed class BootstrapSpec
    {
        public required InitdbSpec Initdb { get; set; }
    }

    internal sealed class InitdbSpec
    {
        public required string Database { get; set; }
        public required string Owner { get; set; }
        public required NameRef Secret { get; set; }
    }

    internal sealed class ManagedSpec
    {
        public required List<RoleSpec> Roles { get; set; }
    }

    internal sealed class RoleSpec
    {
        public required string Name { get; set; }
        public required string Ensure { get; set; }
        public required bool Login { get; set; }
        public required bool Inherit { get; set; }
        public required int ConnectionLimit { get; set; }
        public required NameRef PasswordSecret { get; set; }
    }

    internal sealed class PostgresqlSpec
    {
        public SynchronousSpec? Synchronous { get; set; }
        public required Dictionary<string, string> Parameters { get; set; }
    }
}

/// <summary>https://cloudnative-pg.io/docs/current/replication#synchronous-replication</summary>
internal sealed class SynchronousSpec
{
    public required string Method { get; set; }
    public required int Number { get; set; }
    public required string DataDurability { get; set; }
}

/// <summary>https://cloudnative-pg.io/docs/current/cloudnative-pg.v1#databasespec</summary>
internal sealed class PostgresDatabaseSpec
{
    public required string Name { get; set; }
    public required string Owner { get; set; }
    public required NameRef Cluster { get; set; }
}

/// <summary>https://www.rabbitmq.com/kubernetes/operator/using-operator</summary>
internal sealed class RabbitmqClusterSpec
{
    public required int Replicas { get; set; }
    public required string Image { get; set; }
    public V1Affinity? Affinity { get; set; }
    public required Dictionary<string, string> Persistence { get; set; }
    public required Dictionary<string, Dictionary<string, string>> Resources { get; set; }
    public required Dictionary<string, string> Rabbitmq { get; set; }
}
