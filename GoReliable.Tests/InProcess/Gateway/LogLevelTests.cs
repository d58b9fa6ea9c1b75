namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>No setting makes the frameworks log what a client sent.</summary>
public sealed class LogLevelTests : GatewayTest
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
        await using var gateway = await StartAsync([
            .. OfFrameworks.Select(category => ($"Logging__LogLevel__{category}", "Trace")),
            // A category that no framework has may have a wildcard.
            ("Logging__LogLevel__Default", "Error"),
            ("Logging__LogLevel__GoReliable.*.RequestTelemetry", "Information"),
        ]);

        await gateway.Client.GetAsync("/api/v1/orders/the-path", Cancel);

        // Our own line comes after ASP.NET's first one.
        await gateway.WaitForEventsAsync("http.request");
        Assert.DoesNotContain(gateway.Output, line => line.Contains("the-path"));
    }
}
