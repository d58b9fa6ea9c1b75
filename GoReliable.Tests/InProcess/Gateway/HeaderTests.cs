using System.Net;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Headers that say what browsers, caches and services may believe.</summary>
public sealed class HeaderTests() : GatewayTest(AnswerAsync)
{
    [Theory]
    [InlineData("/api/v1/orders")]
    [InlineData("/nowhere")]
    [InlineData("/docs")]
    public async Task Every_answer_forbids_browsers_content_sniffing_and_framing(string path)
    {
        await using var gateway = await StartAsync();

        using var response = await gateway.Client.GetAsync(path, Cancel);

        Assert.Equal("nosniff", Value(response, "X-Content-Type-Options"));
        Assert.Equal("no-referrer", Value(response, "Referrer-Policy"));
        Assert.StartsWith("default-src 'none'", Value(response, "Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", Value(response, "Content-Security-Policy"));
        Assert.Null(Value(response, "Server"));
        // Over plain HTTP it would be ignored, and could be somebody else's.
        Assert.Null(Value(response, "Strict-Transport-Security"));
    }

    [Fact]
    public async Task Orders_are_not_cached_unless_the_service_says_so()
    {
        await using var gateway = await StartAsync();

        using var plain = await gateway.Client.GetAsync("/api/v1/orders", Cancel);
        using var cached = await gateway.Client.GetAsync("/api/v1/orders?cache", Cancel);
        using var docs = await gateway.Client.GetAsync("/docs", Cancel);

        Assert.True(plain.Headers.CacheControl!.NoStore);
        Assert.Equal(TimeSpan.FromMinutes(1), cached.Headers.CacheControl!.MaxAge);
        Assert.Null(docs.Headers.CacheControl);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("OPTIONS")]
    public async Task No_origin_is_allowed_to_read_answers(string method)
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(new(method), "/api/v1/orders");
        request.Headers.Add("Origin", "https://elsewhere.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");

        using var response = await gateway.Client.SendAsync(request, Cancel);

        Assert.DoesNotContain(response.Headers, header =>
            header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)
        );
    }

    [Theory]
    [InlineData("127.0.0.0/8", "203.0.113.9", "https", true)]
    [InlineData("192.0.2.1", "127.0.0.1", "http", false)]
    [InlineData(null, "127.0.0.1", "http", false)]
    public async Task Forwarded_headers_count_only_from_known_proxies_and_services_get_the_result(
        string? known,
        string address,
        string scheme,
        bool hsts
    )
    {
        (string, string)[] settings = known is null ? [] : [("ForwardedHeaders__KnownProxies__0", known)];
        // As Aspire's deployments set it; ASP.NET would then believe anybody.
        await using var gateway = await StartAsync([("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"), .. settings]);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/orders");
        request.Headers.Add("X-Forwarded-For", "198.51.100.7, 203.0.113.9");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Prefix", "/evil");
        request.Headers.Add("Forwarded", "for=198.51.100.7");

        using var response = await gateway.Client.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(hsts ? "max-age=31536000" : null, Value(response, "Strict-Transport-Security"));
        var told = Assert.Single(Orders.Requests);
        Assert.Equal(address, told["X-Forwarded-For"].ToString());
        Assert.Equal(scheme, told["X-Forwarded-Proto"].ToString());
        Assert.Equal(gateway.Client.BaseAddress!.Authority, told["X-Forwarded-Host"].ToString());
        Assert.DoesNotContain("evil", string.Join(' ', told.Select(header => $"{header.Key}: {header.Value}")));
        Assert.False(told.ContainsKey("Forwarded"));
    }

    [Fact]
    public async Task An_idempotency_key_that_Connection_names_is_ignored_by_gateway_and_service()
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/orders?drop")
        {
            Content = new StringContent("{}"),
        };
        request.Headers.TryAddWithoutValidation("Connection", "Idempotency-Key");
        request.Headers.Add("Idempotency-Key", "key");

        using var response = await gateway.Client.SendAsync(request, Cancel);

        // Sent once: the service would make a second order of it.
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.False(Assert.Single(Orders.Requests).ContainsKey("Idempotency-Key"));
    }

    private static Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Query.ContainsKey("drop"))
            context.Abort();
        if (context.Request.Query.ContainsKey("cache"))
            context.Response.Headers.CacheControl = "private, max-age=60";
        return Task.CompletedTask;
    }

    private static string? Value(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out var values) ? string.Join(", ", values) : null;
}
