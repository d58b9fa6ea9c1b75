using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>Who may log in where: secrets, and the owners of the databases.</summary>
public sealed class ManifestSecretTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_secret_that_is_used_is_created(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var made = objects
            .Custom<ExternalSecretSpec>()
            .ToDictionary(secret => secret.Spec.Target.Name, secret => secret.Spec.Target.Template.Data.Keys.ToArray());
        // The RabbitMQ operator: https://www.rabbitmq.com/kubernetes/operator/using-operator#find
        foreach (var cluster in objects.Custom<RabbitmqClusterSpec>())
            made[$"{cluster.Metadata.Name}-default-user"] = "username password host port connection_string".Split(' ');

        var needed = platform
            .Containers.SelectMany(container => container.Env)
            .Select(variable => variable.ValueFrom?.SecretKeyRef)
            .Where(reference => reference is { Optional: not true })
            .Select(reference => (reference!.Name, reference.Key))
            .Concat(
                objects
                    .Custom<TriggerAuthenticationSpec>()
                    .SelectMany(trigger => trigger.Spec.SecretTargetRef.Select(target => (target.Name, target.Key)))
            )
            .Concat(
                objects
                    .Custom<PostgresClusterSpec>()
                    .SelectMany(cluster =>
                        cluster
                            .Spec.Managed.Roles.Select(role => role.PasswordSecret.Name)
                            .Append(cluster.Spec.Bootstrap.Initdb.Secret.Name)
                    )
                    .Select(name => (Name: name, Key: "password"))
            );

        Assert.All(needed, secret =>
            Assert.True(
                made.TryGetValue(secret.Name, out var keys) && keys.Contains(secret.Key),
                $"Nobody makes {secret}."
            )
        );
    }

    // CloudNativePG looks at a changed Secret only if it has this label, and the old password would hold until then:
    // https://cloudnative-pg.io/docs/current/declarative_role_management#password-management
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_changed_password_is_set_at_once(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Objects.Custom<ExternalSecretSpec>(), secret =>
            Assert.Equal("true", secret.Spec.Target.Template.Metadata["labels"]["cnpg.io/reload"])
        );

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task No_secret_is_in_the_repository(string overlay) =>
        Assert.Empty((await Overlay.BuildAsync(overlay)).Objects.Of<V1Secret>());

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Each_database_belongs_to_the_user_that_the_service_logs_in_as(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var cluster = Assert.Single(objects.Custom<PostgresClusterSpec>());
        var owners = objects
            .Custom<PostgresDatabaseSpec>()
            .ToDictionary(database => database.Spec.Name, database => database.Spec.Owner);
        owners.Add(cluster.Spec.Bootstrap.Initdb.Database, cluster.Spec.Bootstrap.Initdb.Owner);

        foreach (var service in new[] { "orders", "notifications" })
        {
            var text = platform.EnvironmentOf(service)[$"ConnectionStrings__{service}-db"];
            var connection = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = text };
            Assert.Equal($"{cluster.Metadata.Name}-rw", connection["Host"]);
            Assert.Equal(owners[(string)connection["Database"]], connection["Username"]);
        }
    }
}
