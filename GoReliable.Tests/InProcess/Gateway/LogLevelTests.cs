using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>No setting makes the frameworks log what a client sent.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class LogLevelTests
{
    [Theory]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics")]
    [InlineData("*.Hosting.Diagnostics")]
    [InlineData("Microsoft.*.Hosting.Diagnostics")]
    [InlineData("microsoft.aspnetcore.hosting.*")]
    public async Task A_category_of_a_framework_stays_at_warning(string category)
    {
        await using var orders = await Destination.StartAsync();
        await using var gateway = await InProcessGateway.StartAsync(
            [orders.Address],
            ($"Logging__LogLevel__{category}", "Trace")
        );

        await gateway.Client.GetAsync("/api/v1/orders/the-path", TestContext.Current.CancellationToken);

        // Our own line comes after ASP.NET's first one.
        await Poll.UntilAsync(
            "the request's line",
            () => Task.FromResult(gateway.Output),
            lines => lines.Any(line => line.Contains("http.request", StringComparison.Ordinal))
        );
        Assert.DoesNotContain(gateway.Output, line => line.Contains("the-path", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_category_that_no_framework_has_may_have_a_wildcard()
    {
        await using var orders = await Destination.StartAsync();
        await using var gateway = await InProcessGateway.StartAsync(
            [orders.Address],
            ("Logging__LogLevel__Default", "Error"),
            ("Logging__LogLevel__GoReliable.*.RequestTelemetry", "Information")
        );

        await Poll.UntilAsync(
            "the request's line",
            async () =>
            {
                await gateway.Client.GetAsync("/api/v1/orders", TestContext.Current.CancellationToken);
                return gateway.Output;
            },
            lines => lines.Any(line => line.Contains("http.request", StringComparison.Ordinal))
        );
    }
}
