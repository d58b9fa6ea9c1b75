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

    /// <summary>Ends with the test, and after a minute: what waits longer says what it waited for.</summary>
    public static CancellationTokenSource Patience()
    {
        var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        return patience;
    }

    /// <summary>Waits until the resource is healthy.</summary>
    public static async Task<ResourceEvent> WaitForHealthyAsync(this DistributedApplication application, string resource)
    {
        using var patience = Patience();
        return await application.ResourceNotifications.WaitForResourceHealthyAsync(resource, patience.Token);
    }

    /// <summary>Waits until the resource is in a state.</summary>
    public static Task<ResourceEvent> WaitForAsync(this DistributedApplication application, string resource, string state) =>
        application.WaitForAsync(resource, e => e.Snapshot.State?.Text == state);

    /// <summary>Waits until a condition is true of the resource.</summary>
    public static async Task<ResourceEvent> WaitForAsync(this DistributedApplication application, string resource, Func<ResourceEvent, bool> condition)
    {
        using var patience = Patience();
        return await application.ResourceNotifications.WaitForResourceAsync(resource, condition, patience.Token);
    }

    /// <summary>Waits until the resource runs, and returns its process id.</summary>
    public static async Task<int> ProcessIdAsync(this DistributedApplication application, string resource)
    {
        var running = await application.WaitForAsync(resource, e => e.Snapshot.State?.Text == KnownResourceStates.Running && e.Snapshot.Properties.Any(p => p.Name == "executable.pid"));
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
