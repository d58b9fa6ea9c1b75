using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A pod whose service has a database migrates it first, in a container of its own.</summary>
public sealed class ManifestMigrationTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_service_migrates_its_database_before_it_starts(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Pods, pod =>
            Assert.Equal(Databases(pod.Containers.Single()).Length, pod.InitContainers?.Count ?? 0)
        );

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_migration_runs_the_services_image_with_another_argument(string overlay) =>
        Assert.All(Migrations(await Overlay.BuildAsync(overlay)), pod =>
        {
            Assert.Equal(["migrate"], pod.Migrate.Args);
            Assert.Equal(pod.Service.Image, pod.Migrate.Image);
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_migration_gets_its_database_and_its_secret_and_nothing_of_the_broker(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(Migrations(platform), pod =>
        {
            var database = Databases(pod.Service).Single();
            Assert.Equal(database.Value, platform.EnvironmentOf(pod.Migrate)[database.Name]);
            Assert.Equal(
                [$"{pod.Service.Name}-db"],
                pod.Migrate.Env.Select(variable => variable.ValueFrom?.SecretKeyRef?.Name).OfType<string>()
            );
            Assert.DoesNotContain("ConnectionStrings__messaging", platform.EnvironmentOf(pod.Migrate).Keys);
        });
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_migration_listens_nowhere_so_nothing_is_named_or_probed(string overlay) =>
        Assert.All(Migrations(await Overlay.BuildAsync(overlay)), pod =>
            Assert.True(pod.Migrate is { Ports: null, StartupProbe: null, ReadinessProbe: null, LivenessProbe: null })
        );

    private static (V1Container Service, V1Container Migrate)[] Migrations(Overlay platform) =>
        [
            .. platform
                .Pods.Where(pod => Databases(pod.Containers.Single()).Length > 0)
                .Select(pod => (pod.Containers.Single(), pod.InitContainers!.Single())),
        ];

    private static V1EnvVar[] Databases(V1Container service) =>
        [
            .. service.Env.Where(variable =>
                variable.Name.StartsWith("ConnectionStrings__", StringComparison.Ordinal)
                && variable.Name.EndsWith("-db", StringComparison.Ordinal)
            ),
        ];
}
