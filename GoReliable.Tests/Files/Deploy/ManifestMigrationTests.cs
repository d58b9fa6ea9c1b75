namespace GoReliable.Tests.Files.Deploy;

public sealed class ManifestMigrationTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_migration_is_the_services_image_with_the_databases_secret_and_nothing_of_the_broker(
        string overlay
    )
    {
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(platform.Pods.Where(pod => pod.Containers.Single().Name != "gateway"), pod =>
        {
            var (service, migrate) = (pod.Containers.Single(), Assert.Single(pod.InitContainers));
            Assert.Equal(["migrate"], migrate.Args);
            Assert.Equal(service.Image, migrate.Image);
            // It listens nowhere.
            Assert.True(migrate is { Ports: null, StartupProbe: null, ReadinessProbe: null, LivenessProbe: null });
            Assert.Equal(
                [$"{service.Name}-db"],
                migrate.Env.Select(variable => variable.ValueFrom?.SecretKeyRef?.Name).OfType<string>()
            );
            Assert.DoesNotContain("ConnectionStrings__messaging", platform.EnvironmentOf(migrate).Keys);
        });
    }
}
