using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.LocalAspire;

/// <summary>No process outlives the application that started it.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Stopping_ends_every_process_and_what_it_started()
    {
        var file = Path.GetTempFileName();
        await using var application = await SmallApp.StartAsync(builder => builder.AddExecutable("parent", "sh", "/tmp", "-c", $"sleep 1000 & echo $! > {file}; wait"));
        var parent = await application.ProcessIdAsync("parent");
        var child = int.Parse(await Eventually.SeeAsync("the child's id", () => File.ReadAllTextAsync(file), text => text.EndsWith('\n')), CultureInfo.InvariantCulture);
        Assert.True(SmallApp.IsAlive(child));

        await application.StopAsync(TestContext.Current.CancellationToken);

        Assert.False(SmallApp.IsAlive(parent));
        await SmallApp.AssertGoneAsync(child);
        File.Delete(file);
    }

    [Fact]
    public async Task A_process_that_ignores_the_request_to_stop_is_killed()
    {
        var file = Path.GetTempFileName();
        await using var application = await SmallApp.StartAsync(builder => builder.AddExecutable("stubborn", "sh", "/tmp", "-c", $"trap '' TERM; echo ready > {file}; while true; do sleep 1; done"));
        var process = await application.ProcessIdAsync("stubborn");
        await Eventually.SeeAsync("that the process ignores the request", () => File.ReadAllTextAsync(file), text => text == "ready\n");

        var watch = Stopwatch.StartNew();
        await application.DisposeAsync();

        Assert.False(SmallApp.IsAlive(process));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        File.Delete(file);
    }

    [Fact]
    public async Task A_failed_start_takes_those_along_that_wait_for_it_and_leaves_nothing_behind()
    {
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var good = builder.AddExecutable("good", "sleep", "/tmp", "1000");
            var bad = builder.AddExecutable("bad", "sh", "/tmp", "-c", "echo the reason; exit 3").WaitFor(good);
            builder.AddExecutable("dependant", "sleep", "/tmp", "1000").WaitForCompletion(bad);
        });
        var good = await application.ProcessIdAsync("good");

        await application.WaitForAsync("dependant", KnownResourceStates.FailedToStart);
        var failed = await application.WaitForAsync("bad", e => e.Snapshot.ExitCode is not null);
        await application.DisposeAsync();

        Assert.Equal((KnownResourceStates.Exited, 3), (failed.Snapshot.State?.Text, failed.Snapshot.ExitCode));
        Assert.False(SmallApp.IsAlive(good));
    }

    [Fact]
    public async Task Stopping_in_the_middle_of_the_start_leaves_nothing_behind()
    {
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var database = builder.AddPostgres("server").AddDatabase("things");
            builder.AddExecutable("patient", "sleep", "/tmp", "1000").WaitFor(database);
        });

        var notifications = application.ResourceNotifications;

        await application.DisposeAsync();

        Assert.All(["server", "patient"], name => Assert.True(
            notifications.TryGetCurrentState(name, out var state) && state.Snapshot.State?.Text == KnownResourceStates.Exited, name));
    }

    [Fact]
    public async Task No_process_survives_when_the_AppHost_is_killed()
    {
        using var appHost = await AppHostProcess.StartAsync("--KeepData=false", "--DcpPublisher:RandomizePorts=true");
        await appHost.WaitForLineAsync("All resources are healthy.");
        // Each begins as setpriv, and becomes what it runs.
        var family = await Eventually.SeeAsync("a service below the AppHost", () => Task.FromResult(appHost.Descendants()), found => found.Any(process => process.Name == "dotnet"));
        Assert.Contains(family, process => process.Name == "postgres");
        Assert.Contains(family, process => process.Name == "beam.smp");
        Assert.Contains(family, process => process.Name == "epmd");

        appHost.Kill();

        await SmallApp.AssertGoneAsync([.. family.Select(process => process.Id)]);
    }
}
