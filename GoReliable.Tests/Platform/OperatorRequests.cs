using System.Net;
using System.Text;
using GoReliable.ServiceDefaults.Identity;

namespace GoReliable.Tests.Platform;

/// <summary>Requests for which a caller must be an operator.</summary>
internal static class OperatorRequests
{
    public static Task<HttpResponseMessage> SendJsonAsync(
        this HttpClient client,
        string method,
        string path,
        string? body = null
    ) =>
        client.SendAsync(
            new HttpRequestMessage(new HttpMethod(method), path)
            {
                Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"),
            },
            TestContext.Current.CancellationToken
        );

    /// <summary>Asserts that an operator finds nothing on public ports, even if he names the management port.</summary>
    public static async Task AssertNotPublicAsync(
        this GoReliablePlatform platform,
        string service,
        string method,
        string path
    )
    {
        using var management = platform.Management(service);
        foreach (var port in new[] { "gateway", service })
        {
            using var outside = platform.Client(port, "olga", Scopes.NotificationsOperate);
            outside.DefaultRequestHeaders.Host = management.BaseAddress!.Authority;
            Assert.Equal(HttpStatusCode.NotFound, (await outside.SendJsonAsync(method, path)).StatusCode);
        }
    }
}
