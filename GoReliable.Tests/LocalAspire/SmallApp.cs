using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.LocalAspire;

/// <summary>An application of a few plain programs, started on random ports.</summary>
internal static class SmallApp
{
    public static async Task<DistributedApplication> StartAsync(Action<IDistributedApplicationTestingBuilder> add)
    {
        var application = await BuildAsync(add);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return application;
    }

    public static async Task<DistributedApplication> BuildAsync(Action<IDistributedApplicationTestingBuilder> add)
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        add(builder);
        return await builder.BuildAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until the resource runs, and returns its process id.</summary>
    public static async Task<int> ProcessIdAsync(this DistributedApplication application, string resource)
    {
        var running = await application.ResourceNotifications.WaitForResourceAsync(
            resource, e => e.Snapshot.State?.Text == KnownResourceStates.Running && e.Snapshot.Properties.Any(p => p.Name == "executable.pid"), TestContext.Current.CancellationToken);
        return (int)running.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value!;
    }

    public static Task AssertGoneAsync(params int[] processIds) => Eventually.SeeAsync(
        "the end of processes",
        () => Task.FromResult(processIds.Where(IsAlive).ToArray()),
        alive => alive.Length == 0,
        TimeSpan.FromSeconds(10));

    /// <summary>A process that is dead and waits to be collected counts as gone.</summary>
    public static bool IsAlive(int processId)
    {
        try
        {
            return !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
