using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;

namespace GoReliable.Tests.LocalAspire;

/// <summary>What cannot work is said in one sentence, before anything starts.</summary>
public sealed class PreflightTests
{
    [Fact]
    public async Task A_taken_port_is_named_with_its_resource_and_endpoint()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var application = await SmallApp.BuildAsync(builder => builder.AddExecutable("web", "sleep", "/tmp", "1000").WithHttpEndpoint(port, name: "public", isProxied: false));

        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => application.StartAsync(TestContext.Current.CancellationToken));

        Assert.StartsWith($"Resource 'web' cannot listen on port {port} for its endpoint 'public'", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public async Task A_missing_program_is_named_with_the_command_that_installs_it()
    {
        await using var application = await SmallApp.BuildAsync(builder => builder.AddExecutable("web", "no-such-program", "/tmp"));

        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => application.StartAsync(TestContext.Current.CancellationToken));

        Assert.Matches("^Resource 'web' needs the program 'no-such-program', which is not installed. Install it with: (sudo )?apt-get install --yes no-such-program$", e.Message);
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        await using var application = await SmallApp.BuildAsync(builder =>
        {
            builder.AddExecutable("one", "no-such-program", "/tmp");
            builder.AddExecutable("two", "sleep", "/no/such/directory", "1000");
        });

        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => application.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(2, e.Message.Split('\n').Length);
    }

    [Fact]
    public async Task The_AppHost_ends_with_exit_code_1_and_the_sentence()
    {
        // Taken by this test, or by a platform that runs on this machine: either way the AppHost cannot have it.
        using var gateway = new TcpListener(IPAddress.Loopback, 8080);
        try
        {
            gateway.Start();
        }
        catch (SocketException)
        {
            TestContext.Current.TestOutputHelper?.WriteLine("Port 8080 is taken already.");
        }

        using var appHost = await AppHostProcess.StartAsync("--KeepData=false");
        var (exitCode, output) = await appHost.WaitForExitAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("Resource 'gateway' cannot listen on port 8080 for its endpoint 'http'", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }
}
