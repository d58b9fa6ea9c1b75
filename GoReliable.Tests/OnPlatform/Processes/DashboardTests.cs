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
        var said = await answer.TextAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode} {said}");
        dashboard.DefaultRequestHeaders.Add(
            "X-API-Key",
            JsonSerializer.Deserialize<JsonElement>(said).GetProperty("apiKey").GetString()
        );

        await UntilShownAsync("traces", "create order", "INSERT order", "publish orders:order.created", "send email");
        await UntilShownAsync("logs", "created with", "answered 201", "Delivered order.created");
        await UntilShownAsync("resources", "gateway", "orders", "notifications");

        Task UntilShownAsync(string what, params string[] parts) =>
            Poll.UntilAsync(
                $"{what} in the dashboard",
                () => dashboard.GetStringAsync($"/api/telemetry/{what}", TestContext.Current.CancellationToken),
                text => parts.All(part => text.Contains(part, StringComparison.Ordinal))
            );
    }
}
