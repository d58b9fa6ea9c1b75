using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>No setting makes the frameworks log what a client sent.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class LogLevelTests
{
    private static readonly string[] OfFrameworks =
    [
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "*.Hosting.Diagnostics",
        "Microsoft.*.Hosting.Diagnostics",
        "microsoft.aspnetcore.hosting.*",
    ];

    [Fact]
    public async Task A_category_of_a_framework_stays_at_warning()
    {
        await using var orders = await Destination.StartAsync();
        await using var gateway = await InProcessGateway.StartAsync(
            [orders.Address],
            [
                .. OfFrameworks.Select(category => ($"Logging__LogLevel__{category}", "Trace")),
                // A category that no framework has may have a wildcard.
                ("Logging__LogLevel__Default", "Error"),
                ("Logging__LogLevel__GoReliable.*.RequestTelemetry", "Information"),
            ]
        );

        await gateway.Client.GetAsync("/api/v1/orders/the-path", TestContext.Current.CancellationToken);

        // Our own line comes after ASP.NET's first one.
        await gateway.WaitForEventsAsync("http.request");
        Assert.DoesNotContain(gateway.Output, line => line.Contains("the-path", StringComparison.Ordinal));
    }
}
