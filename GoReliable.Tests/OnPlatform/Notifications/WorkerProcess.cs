using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>A worker of a test's own, with servers that have none.</summary>
internal static class WorkerProcess
{
    public static async Task<ServiceProcess> StartAsync(
        GoReliablePlatform servers,
        OwnDatabase database,
        params (string, string)[] settings
    ) =>
        await ServiceProcess.StartAsync(
            "Notifications",
            [
                ("ConnectionStrings__notifications-db", database.ConnectionString),
                ("ConnectionStrings__messaging", await servers.ConnectionStringAsync("messaging")),
                ("Email__PickupFolder", servers.PickupFolder),
                .. settings,
            ]
        );
}
