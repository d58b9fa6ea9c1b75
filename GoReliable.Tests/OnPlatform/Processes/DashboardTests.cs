using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using GoReliable.Tests.OnPlatform.Deploy;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>
/// The Aspire dashboard gets the telemetry of all services without any setting. It is asked by its own API:
/// https://aspire.dev/dashboard/configuration/
/// </summary>
[Collection(LivePlatform.Name)]
public sealed class DashboardTests(LivePlatform live)
{
    [Fact]
    public async Task The_dashboard_shows_an_orders_trace_its_logs_and_all_resources()
    {
        using var ada = live.Platform.Client("ada");
        await ada.NotificationsAsync(await ada.CreateAsync("ada@example.com"));

        using var dashboard = live.Platform.Dashboard();
        // The address that ./run prints.
        using var login = await dashboard.GetAsync(
            $"/login?t={LivePlatform.BrowserToken}",
            TestContext.Current.CancellationToken
        );
        Assert.Equal((HttpStatusCode.OK, "/"), (login.StatusCode, login.RequestMessage!.RequestUri!.AbsolutePath));

        using var answer = await dashboard.PostAsJsonAsync(
            "/api/telemetry/validateToken",
            new { token = LivePlatform.BrowserToken },
            TestContext.Current.CancellationToken
        );
        var said = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode} {said}");
        dashboard.DefaultRequestHeaders.Add(
            "X-API-Key",
            JsonSerializer.Deserialize<JsonElement>(said).GetProperty("apiKey").GetString()
        );

        await Poll.UntilAsync(
            "a trace through all services in the dashboard",
            () => AskAsync(dashboard, "traces"),
            text => HasAll(text, "create order", "INSERT order", "publish orders:order.created", "send email")
        );
        await Poll.UntilAsync(
            "its logs",
            () => AskAsync(dashboard, "logs"),
            text => HasAll(text, "created with", "answered 201", "Delivered order.created")
        );
        await Poll.UntilAsync(
            "the services",
            () => AskAsync(dashboard, "resources"),
            text => HasAll(text, "gateway", "orders", "notifications")
        );
    }

    private static bool HasAll(string text, params string[] parts) =>
        parts.All(part => text.Contains(part, StringComparison.Ordinal));

    private static Task<string> AskAsync(HttpClient dashboard, string what) =>
        dashboard.GetStringAsync($"/api/telemetry/{what}", TestContext.Current.CancellationToken);
}
