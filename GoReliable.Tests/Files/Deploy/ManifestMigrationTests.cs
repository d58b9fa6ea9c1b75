using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A pod whose service has a database migrates it first, in a container of its own.</summary>
public sealed class ManifestMigrationTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_service_migrates_its_database_before_it_starts(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Pods, pod =>
        {
            var service = pod.Containers.Single();
            Assert.Equal(Databases(service).Length, pod.InitContainers?.Count ?? 0);
            Assert.All(pod.InitContainers ?? [], migrate =>
            {
                Assert.Equal(["migrate"], migrate.Args);
                Assert.Equal(service.Image, migrate.Image);
                // It listens nowhere.
                Assert.True(migrate is { Ports: null, StartupProbe: null, ReadinessProbe: null, LivenessProbe: null });
            });
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_migration_gets_its_database_and_its_secret_and_nothing_of_the_broker(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(platform.Pods.Where(pod => pod.InitContainers is not null), pod =>
        {
            var (service, migrate) = (pod.Containers.Single(), pod.InitContainers.Single());
            var database = Databases(service).Single();
            Assert.Equal(database.Value, platform.EnvironmentOf(migrate)[database.Name]);
            Assert.Equal(
                [$"{service.Name}-db"],
                migrate.Env.Select(variable => variable.ValueFrom?.SecretKeyRef?.Name).OfType<string>()
            );
            Assert.DoesNotContain("ConnectionStrings__messaging", platform.EnvironmentOf(migrate).Keys);
        });
    }

    private static V1EnvVar[] Databases(V1Container service) =>
        [
            .. service.Env.Where(variable =>
                variable.Name.StartsWith("ConnectionStrings__", StringComparison.Ordinal)
                && variable.Name.EndsWith("-db", StringComparison.Ordinal)
            ),
        ];
}
