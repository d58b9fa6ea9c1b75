using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The secrets of databases and broker, and where services use them.</summary>
public sealed class ManifestSecretTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_secret_that_is_used_is_created(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var postgres = objects.Only<PostgresClusterSpec>().Spec;
        var made = objects
            .Custom<ExternalSecretSpec>()
            .ToDictionary(secret => secret.Spec.Target.Name, secret => secret.Spec.Target.Template.Data.Keys.ToArray());
        // The RabbitMQ operator: https://www.rabbitmq.com/kubernetes/operator/using-operator#find
        made[$"{objects.Only<RabbitmqClusterSpec>().Metadata.Name}-default-user"] =
            "username password host port connection_string".Split(' ');

        (string Name, string Key)[] needed =
        [
            .. from variable in platform.Containers.SelectMany(container => container.Env)
            let reference = variable.ValueFrom?.SecretKeyRef
            where reference is { Optional: not true }
            select (reference.Name, reference.Key),
            .. from trigger in objects.Custom<TriggerAuthenticationSpec>()
            from target in trigger.Spec.SecretTargetRef
            select (target.Name, target.Key),
            .. postgres.Managed.Roles.Select(role => (role.PasswordSecret.Name, "password")),
            (postgres.Bootstrap.Initdb.Secret.Name, "password"),
        ];

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
    public async Task Services_connect_to_the_node_of_PostgreSQL_that_can_be_written_to(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var cluster = platform.Objects.Only<PostgresClusterSpec>().Metadata.Name;

        foreach (var service in new[] { "orders", "notifications" })
            Assert.Contains($"Host={cluster}-rw;", platform.EnvironmentOf(service)[$"ConnectionStrings__{service}-db"]);
    }
}
