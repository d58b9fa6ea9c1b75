using System.Net;
using System.Net.Sockets;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Identity;

/// <summary>Every route, at the gateway and past it: who is not let in, and that nothing came of it.</summary>
[Collection(SharedPlatform.Name)]
public sealed class AuthorizationTests(SharedPlatform shared, OrderOfAlice alice) : IClassFixture<OrderOfAlice>
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"stolen","quantity":1,"unitPrice":1}]}""";

    // Method and path, as a client writes them; {id} is an order of Alice.
    private static readonly Dictionary<string, (string Scope, string Service)> Routes = new()
    {
        ["POST /api/v1/orders"] = (Scopes.OrdersWrite, "orders"),
        ["GET /api/v1/orders"] = (Scopes.OrdersRead, "orders"),
        ["GET /api/v1/orders/{id}"] = (Scopes.OrdersRead, "orders"),
        ["POST /api/v1/orders/{id}/confirm"] = (Scopes.OrdersWrite, "orders"),
        ["POST /api/v1/orders/{id}/cancel"] = (Scopes.OrdersWrite, "orders"),
        ["GET /api/v1/orders/{id}/notifications"] = (Scopes.OrdersRead, "notifications"),
    };

    public static MatrixTheoryData<string, bool> Everywhere { get; } = new(Routes.Keys, [true, false]);

    public static MatrixTheoryData<string, string, bool> BadTokensEverywhere { get; } = new(BadTokens.All.Keys, Routes.Keys, [true, false]);

    [Theory, MemberData(nameof(BadTokensEverywhere))]
    public async Task A_bad_token_is_answered_with_401_and_changes_nothing(string token, string route, bool gateway)
    {
        using var response = await SendAsync(route, gateway, BadTokens.All[token](shared.Platform.Tokens));

        await response.AssertProblemAsync(HttpStatusCode.Unauthorized);
        Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task A_token_in_the_query_does_not_count(string route, bool gateway)
    {
        using var response = await SendAsync(route, gateway, authorization: null, query: $"?access_token={shared.Platform.Tokens.Issue(BadTokens.Customer)}");

        await response.AssertProblemAsync(HttpStatusCode.Unauthorized);
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Two_headers_count_as_none_although_each_is_good(string route, bool gateway)
    {
        var (method, path, service) = Parse(route, gateway);
        using var api = shared.Platform.Client(service, customer: null);
        var bearer = shared.Platform.Tokens.Bearer(BadTokens.Customer);
        using var client = new TcpClient();
        await client.ConnectAsync(api.BaseAddress!.Host, api.BaseAddress.Port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream());

        Assert.Equal("HTTP/1.1 401 Unauthorized", await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Without_its_scope_a_route_answers_403_and_names_it(string route, bool gateway)
    {
        var needed = Routes[route].Scope;
        // All others; and words that only look like it.
        var scopes = string.Join(' ', Scopes.All.Except([needed]).Concat([$"{needed}s", needed.ToUpperInvariant(), $"x{needed}", "orders", "*"]));

        using var response = await SendAsync(route, gateway, $"Bearer {shared.Platform.Tokens.Issue(BadTokens.Customer, scopes)}");

        var problem = await response.AssertProblemAsync(HttpStatusCode.Forbidden);
        Assert.Contains(needed, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal($"Bearer error=\"insufficient_scope\", scope=\"{needed}\"", $"{Assert.Single(response.Headers.WwwAuthenticate)}");
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Another_customers_order_is_none(string route, bool gateway)
    {
        Assert.SkipUnless(route.Contains("{id}", StringComparison.Ordinal), "There is no order in this route.");
        using var response = await SendAsync(route, gateway, $"{shared.Platform.Tokens.Bearer(BadTokens.Customer)}");

        // Nothing was sent about an order that is not there.
        if (route.EndsWith("/notifications", StringComparison.Ordinal))
            Assert.Empty((await response.JsonAsync()).GetProperty("items").EnumerateArray());
        else
            await response.AssertProblemAsync(HttpStatusCode.NotFound);
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_just_its_scope_a_route_lets_its_customer_in(string route, bool gateway)
    {
        // As the standard has it, as Entra ID has it, and as `dotnet user-jwts` has it.
        var scope = Routes[route].Scope;
        foreach (var (claim, value) in new (string, object)[] { ("scope", $"a {scope} b"), ("scp", scope), ("scope", new[] { "a", scope }) })
        {
            var token = shared.Platform.Tokens.Issue($"somebody-{Guid.NewGuid():N}", change: token =>
            {
                token.Claims.Remove("scope");
                token.Claims[claim] = value;
            });
            using var response = await SendAsync(route, gateway, $"Bearer {token}");

            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.NotFound, $"{claim}: {response.StatusCode}");
        }
    }

    [Theory]
    [InlineData("no token", "Bearer")]
    [InlineData("expired", "Bearer error=\"invalid_token\", error_description=\"The token has expired.\"")]
    [InlineData("not yet valid", "Bearer error=\"invalid_token\", error_description=\"The token is not valid yet.\"")]
    [InlineData("wrong audience", "Bearer error=\"invalid_token\", error_description=\"The token is for another audience.\"")]
    [InlineData("wrong issuer", "Bearer error=\"invalid_token\", error_description=\"The token is from another issuer.\"")]
    [InlineData("wrong signature", "Bearer error=\"invalid_token\", error_description=\"The token's signature is not valid.\"")]
    [InlineData("8 KB of garbage", "Bearer error=\"invalid_token\", error_description=\"The token cannot be read.\"")]
    public async Task A_refusal_says_why(string token, string challenge)
    {
        foreach (var gateway in new[] { true, false })
        {
            using var response = await SendAsync("GET /api/v1/orders", gateway, BadTokens.All[token](shared.Platform.Tokens));
            Assert.Equal(challenge, $"{Assert.Single(response.Headers.WwwAuthenticate)}");
        }
    }

    [Theory]
    [InlineData("/nowhere", HttpStatusCode.NotFound)]
    [InlineData("/api/v1/orders/1/2/3", HttpStatusCode.NotFound)]
    [InlineData("/openapi/v1.json", HttpStatusCode.OK)]
    [InlineData("/docs", HttpStatusCode.OK)]
    public async Task What_is_no_customers_needs_no_token(string path, HttpStatusCode expected)
    {
        using var nobody = shared.Platform.Client(customer: null);
        using var response = await nobody.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(expected, response.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(string route, bool gateway, string? authorization, string query = "")
    {
        var (method, path, service) = Parse(route, gateway);
        using var client = shared.Platform.Client(service, customer: null);
        using var request = new HttpRequestMessage(method, path + query);
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (method == HttpMethod.Post)
            request.Content = new StringContent(Body, Encoding.UTF8, "application/json");
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private (HttpMethod Method, string Path, string Service) Parse(string route, bool gateway)
    {
        var parts = route.Replace("{id}", $"{alice.Id}", StringComparison.Ordinal).Split(' ');
        return (HttpMethod.Parse(parts[0]), parts[1], gateway ? "gateway" : Routes[route].Service);
    }
}
