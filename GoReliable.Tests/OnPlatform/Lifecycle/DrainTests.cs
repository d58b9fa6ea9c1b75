using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>What happens between the signal and the end; the gateway stands for all services.</summary>
public sealed class DrainTests : IAsyncLifetime
{
    private SlowService orders = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => orders = await SlowService.StartAsync();

    public ValueTask DisposeAsync() => orders.DisposeAsync();

    [Fact]
    public async Task Readiness_ends_first_then_new_requests_are_refused_and_running_ones_answered()
    {
        await using var gateway = await StartAsync(
            ("Shutdown__ReadinessDelay", "00:00:05"),
            ("Shutdown__Deadline", "00:00:50")
        );
        Assert.Equal(200, (await gateway.HealthAsync("ready")).Status);
        var slow = gateway.Client.GetAsync("/docs/slow", Cancel);
        await orders.Asked;

        gateway.Terminate();

        // For a while it only says that it goes, and answers everybody.
        var (_, reason) = await Poll.UntilAsync(
            "not ready",
            () => gateway.HealthAsync("ready"),
            ready => ready.Status == 503
        );
        Assert.Equal("The service is stopping.", ApiAnswers.Parse<HealthAnswer>(reason).Checks["Lifecycle"].Reason);
        Assert.Equal(200, (await gateway.HealthAsync("live")).Status);
        using var meanwhile = await gateway.Client.GetAsync("/docs/quick", Cancel);
        Assert.Equal(HttpStatusCode.OK, meanwhile.StatusCode);
        Assert.True(
            meanwhile.Headers.ConnectionClose,
            "A connection that stays open would be used again when nobody listens."
        );

        await Poll.UntilAsync("a refused connection", () => IsRefusedAsync(gateway), refused => refused);
        Assert.False(slow.IsCompleted);
        orders.Answer();
        Assert.Equal("done", await (await slow).Content.ReadAsStringAsync(Cancel));
        Assert.Equal(0, await gateway.WaitForExitAsync());
        Assert.Single(gateway.Events("service.stopping"));
        Assert.Single(gateway.Events("service.stopped"));
    }

    [Fact]
    public async Task Work_that_is_unfinished_at_the_deadline_is_broken_off()
    {
        await using var gateway = await StartAsync(("Shutdown__Deadline", "00:00:02"));
        var slow = gateway.Client.GetAsync("/docs/slow", Cancel);
        await orders.Asked;

        gateway.Terminate();

        Assert.Equal(0, await gateway.WaitForExitAsync());
        Assert.Single(gateway.Events("service.stop_overdue"));
        await Assert.ThrowsAsync<HttpRequestException>(() => slow);
    }

    [Fact]
    public async Task Ctrl_C_in_development_does_not_wait_for_load_balancers()
    {
        await using var gateway = await StartAsync();

        gateway.Terminate();

        Assert.Equal(0, await gateway.WaitForExitAsync());
        Assert.Equal("00:00:00", Assert.Single(gateway.Events("service.stopping")).GetProperty("delay").GetString());
    }

    [Theory]
    [InlineData("00:00:25", "00:00:25", "Shutdown:ReadinessDelay is 00:00:25, but must be from 00:00:00 to 00:00:24 ")]
    [InlineData("5", "00:00:25", "Shutdown:ReadinessDelay is 5.00:00:00, but must be from 00:00:00 to 00:00:24 ")]
    [InlineData("-00:00:01", "00:00:25", "Shutdown:ReadinessDelay is -00:00:01")]
    [InlineData("00:00:00", "00:00:00", "Deadline is 00:00:00, but must be from 00:00:01 to 01:00:00")]
    public void Settings_that_leave_no_time_are_refused(string delay, string deadline, string complaint)
    {
        var shutdown = new ShutdownOptions
        {
            ReadinessDelay = TimeSpan.Parse(delay, CultureInfo.InvariantCulture),
            Deadline = TimeSpan.Parse(deadline, CultureInfo.InvariantCulture),
        };
        var mistakes = new List<ValidationResult>();

        Assert.False(Validator.TryValidateObject(shutdown, new(shutdown), mistakes, validateAllProperties: true));
        Assert.StartsWith(complaint, Assert.Single(mistakes).ErrorMessage, StringComparison.Ordinal);
    }

    private Task<ServiceProcess> StartAsync(params (string, string)[] settings) =>
        ServiceProcess.StartAsync(
            "Gateway",
            [
                ("services__orders__http__0", orders.Address),
                ("Resilience__TotalTimeout", "00:01:00"),
                ("Resilience__TryTimeout", "00:01:00"),
                .. settings,
            ]
        );

    private static async Task<bool> IsRefusedAsync(ServiceProcess gateway)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync("127.0.0.1", gateway.Client.BaseAddress!.Port, Cancel);
            return false;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return true;
        }
    }
}
