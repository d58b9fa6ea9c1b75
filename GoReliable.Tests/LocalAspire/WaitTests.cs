using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace GoReliable.Tests.LocalAspire;

/// <summary>Order of start, and waits that explain themselves.</summary>
public sealed class WaitTests
{
    [Fact]
    public async Task A_wait_that_is_given_up_tells_every_resources_state_and_last_lines()
    {
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var deaf = builder.AddExecutable("deaf", "sh", "/tmp", "-c", "echo I shall never listen; exec sleep 1000")
                .WithHttpEndpoint(name: "http", env: "PORT").WithHttpHealthCheck("/");
            builder.AddExecutable("patient", "sleep", "/tmp", "1000").WaitFor(deaf);
        });
        await application.ProcessIdAsync("deaf");
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(1));

        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => application.ResourceNotifications.WaitForResourceHealthyAsync("patient", timeout.Token));

        Assert.Contains("Gave up waiting for resource 'patient' to become healthy.", e.Message, StringComparison.Ordinal);
        Assert.Matches("deaf-[a-z]+: Running, Unhealthy", e.Message);
        Assert.Contains("| I shall never listen", e.Message, StringComparison.Ordinal);
        Assert.Matches("patient-[a-z]+: Waiting", e.Message);
    }

    [Fact]
    public async Task A_resource_starts_when_what_it_waits_for_has_completed()
    {
        var file = Path.GetTempFileName();
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var first = builder.AddExecutable("first", "sh", "/tmp", "-c", $"sleep 0.3; echo first >> {file}");
            builder.AddExecutable("second", "sh", "/tmp", "-c", $"echo second >> {file}").WaitForCompletion(first);
        });

        await application.WaitForAsync("second", KnownResourceStates.Finished);

        Assert.Equal(["first", "second"], await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken));
        File.Delete(file);
    }

    [Fact]
    public async Task A_container_without_a_local_program_is_skipped_and_holds_nobody_back()
    {
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var container = builder.AddContainer("grafana", "grafana/grafana", "12.0").WithHttpEndpoint(targetPort: 3000);
            builder.AddExecutable("patient", "sleep", "/tmp", "1000").WaitFor(container).WithEnvironment("GRAFANA", container.GetEndpoint("http"));
        });

        await application.ProcessIdAsync("patient");

        Assert.True(application.ResourceNotifications.TryGetCurrentState("grafana", out var state));
        Assert.Equal("skipped: needs a container runtime", state.Snapshot.State?.Style);
    }
}
