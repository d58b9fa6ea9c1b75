using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>The page at <c>/docs</c> shows our API, and nothing of its maker's.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DocsPageTests(SharedPlatform shared)
{
    [Fact]
    public async Task The_docs_page_has_no_vendor_buttons_and_calls_no_other_host()
    {
        using var nobody = shared.Platform.Client(customer: null);
        var page = await nobody.GetAsync("/docs", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        var settings = JsonElement.Parse(
            Regex.Match(html, @"^\s*(\{.*\}),\s*$", RegexOptions.Multiline).Groups[1].Value
        );
        Assert.True(settings.GetProperty("agent").GetProperty("disabled").GetBoolean(), "Ask AI");
        Assert.True(settings.GetProperty("mcp").GetProperty("disabled").GetBoolean(), "Connect MCP");
        // Share, Generate SDK, Deploy.
        Assert.Equal("never", settings.GetProperty("showDeveloperTools").GetString());
        Assert.True(settings.GetProperty("hideClientButton").GetBoolean(), "Open API Client");
        Assert.False(settings.GetProperty("telemetry").GetBoolean());
        Assert.False(settings.GetProperty("withDefaultFonts").GetBoolean());
        Assert.Equal(
            "openapi/v1.json",
            Assert.Single(settings.GetProperty("sources").EnumerateArray()).GetProperty("url").GetString()
        );
        Assert.DoesNotContain("://", html, StringComparison.Ordinal);
    }
}
