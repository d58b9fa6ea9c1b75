using k8s;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// What Argo CD may remove, and what it waits for (https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/).
/// </summary>
public sealed class RemovalTests
{
    private const string SyncOptions = "argocd.argoproj.io/sync-options";

    /// <summary>Volumes belong to these objects, and go with them.</summary>
    private static readonly string[] Keepers = ["Namespace", "Cluster", "Database", "RabbitmqCluster"];

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Objects_that_hold_data_stay_when_they_leave_Git_or_their_application_is_deleted(string overlay)
    {
        var keepers = (await Overlay.BuildAsync(overlay)).Objects.All.Where(entry => Keepers.Contains(entry.Kind));
        Assert.Equal(Keepers.Order(), keepers.Select(entry => entry.Kind).Distinct().Order());
        Assert.All(keepers, entry => Assert.Equal(["Prune=false", "Delete=false"], Options(entry)));
    }

    // It also leaves Git when a setting changes, since its name has the hash of its content.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Pods_of_the_version_before_keep_their_settings(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Objects.All.Where(entry => entry.Kind == "ConfigMap"), entry =>
        {
            Assert.Equal(["Prune=false"], Options(entry));
            Assert.Equal("IgnoreExtraneous", entry.Metadata.Annotations["argocd.argoproj.io/compare-options"]);
        });

    // Argo CD waits for the health of each wave, and with PruneLast for that of everything: a release or a rollback would
    // not be applied while a broker, a standby or the vault is down.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_release_is_applied_whatever_the_health_of_the_stores(string overlay)
    {
        var platform = (await KubernetesObjects.BuildAsync($"deploy/argocd/environments/{overlay}"))
            .Custom<ApplicationSpec>()
            .Single(application => application.Metadata.Name == "platform");
        Assert.DoesNotContain("PruneLast=true", platform.Spec.SyncPolicy.SyncOptions);
        Assert.All((await Overlay.BuildAsync(overlay)).Objects.All, entry =>
        {
            Assert.DoesNotContain("argocd.argoproj.io/sync-wave", entry.Metadata.Annotations?.Keys ?? []);
            Assert.DoesNotContain("PruneLast=true", Options(entry));
        });
    }

    private static string[] Options(IKubernetesObject<V1ObjectMeta> entry) =>
        entry.Metadata.Annotations?.TryGetValue(SyncOptions, out var options) == true ? options.Split(',') : [];
}
