using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Net;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>What happens between the signal and the end; the gateway stands for all services.</summary>
public sealed class DrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readiness_ends_first_then_new_requests_are_refused_and_running_ones_answered()
    {
        await using var orders = await SlowService.StartAsync();
        await using var gateway = await ServiceProcess.StartAsync(
            "Gateway",
            ("services__orders__http__0", orders.Address),
            ("Resilience__TotalTimeout", "00:01:00"),
            ("Resilience__TryTimeout", "00:01:00"),
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

        await Poll.UntilAsync(
            "a refused connection",
            async () => await Record.ExceptionAsync(() => gateway.Client.GetAsync("/docs/quick", Cancel)),
            refused => refused is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }
        );
        Assert.False(slow.IsCompleted);
        orders.Answer();
        Assert.Equal("done", await (await slow).Content.ReadAsStringAsync(Cancel));
        Assert.Equal(0, await gateway.WaitForExitAsync());
        Assert.Single(gateway.Events("service.stopping"));
        Assert.Single(gateway.Events("service.stopped"));
    }

    // Nobody who presses Ctrl+C should wait for load balancers to notice.
    [Theory]
    [InlineData("Development", 0)]
    [InlineData("Production", 5)]
    public async Task Only_in_development_there_is_no_delay(string environment, int seconds)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.AddLifecycle();
        await using var app = builder.Build();

        Assert.Equal(
            TimeSpan.FromSeconds(seconds),
            app.Services.GetRequiredService<IOptions<ShutdownOptions>>().Value.ReadinessDelay
        );
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
}
