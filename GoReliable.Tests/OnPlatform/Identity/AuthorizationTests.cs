using System.Net;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>Every route, at the gateway and at the service: bad callers are rejected and change nothing.</summary>
[Collection(SharedPlatform.Name)]
public sealed class AuthorizationTests(SharedPlatform shared, OrderOfAlice alice) : IClassFixture<OrderOfAlice>
{
    private const string Management = "management";

    private const string Body = """{"currency":"EUR","items":[{"sku":"stolen","quantity":1,"unitPrice":1}]}""";

    // Method and path, as a client writes them; {id} is an order of Alice.
    private static readonly (string Route, string Scope, string[] Doors)[] Routes =
    [
        ("POST /api/v1/orders", Scopes.OrdersWrite, ["gateway", "orders"]),
        ("GET /api/v1/orders", Scopes.OrdersRead, ["gateway", "orders"]),
        ("GET /api/v1/orders/{id}", Scopes.OrdersRead, ["gateway", "orders"]),
        ("POST /api/v1/orders/{id}/confirm", Scopes.OrdersWrite, ["gateway", "orders"]),
        ("POST /api/v1/orders/{id}/cancel", Scopes.OrdersWrite, ["gateway", "orders"]),
        ("GET /api/v1/orders/{id}/notifications", Scopes.OrdersRead, ["gateway", "notifications"]),
        ("GET /dead-letters", Scopes.NotificationsOperate, [Management]),
        ("GET /dead-letters/{id}", Scopes.NotificationsOperate, [Management]),
        ("DELETE /dead-letters/{id}", Scopes.NotificationsOperate, [Management]),
        ("POST /dead-letters/{id}/redrive", Scopes.NotificationsOperate, [Management]),
        ("POST /dead-letters/redrive", Scopes.NotificationsOperate, [Management]),
        ("POST /dead-letters/discard", Scopes.NotificationsOperate, [Management]),
    ];

    // Each by its door: the gateway, the service behind it, or the worker's management port.
    private static readonly Dictionary<string, string> ScopeByRequest = Routes
        .SelectMany(route => route.Doors.Select(door => ($"{door} {route.Route}", route.Scope)))
        .ToDictionary(request => request.Item1, request => request.Scope);

    // Tokens are checked before anything else, for all routes behind a door alike.
    private static readonly string[] OneByEachDoor =
    [
        .. ScopeByRequest.Keys.DistinctBy(request => request.Split(' ')[0]),
    ];

    public static TheoryData<string> Everywhere { get; } = [.. ScopeByRequest.Keys];

    public static TheoryData<string> OnOrdersOfOthers { get; } =
    [.. ScopeByRequest.Keys.Where(request => request.Contains("/orders/{id}", StringComparison.Ordinal))];

    public static TheoryData<string> BadOnes { get; } = [.. BadTokens.All.Keys];

    [Fact]
    public void Every_route_of_the_gateway_is_tested() =>
        Assert.Equal(
            GoReliable
                .Gateway.Routing.Routes.All.Where(route => route.Scope is not null)
                .Select(route => (route.Id, route.Scope!))
                .Order(),
            Routes.Where(route => route.Doors.Contains("gateway")).Select(route => (route.Route, route.Scope)).Order()
        );

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Without_a_token_no_route_lets_anybody_in(string to)
    {
        await AssertUnauthorizedAsync(to, authorization: null);
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(BadOnes))]
    public async Task A_bad_token_is_answered_with_401_at_each_door_and_changes_nothing(string token)
    {
        foreach (var to in OneByEachDoor)
            await AssertUnauthorizedAsync(to, BadTokens.All[token](shared.Platform.Tokens));
        await alice.AssertUntouchedAsync();
    }

    [Fact]
    public async Task A_token_in_the_query_does_not_count()
    {
        var query = $"?access_token={shared.Platform.Tokens.Issue(BadTokens.Customer)}";
        foreach (var to in OneByEachDoor)
            await AssertUnauthorizedAsync(to, authorization: null, query);
    }

    [Fact]
    public async Task Two_Authorization_headers_count_as_none()
    {
        var header = $"Authorization: {shared.Platform.Tokens.Bearer(BadTokens.Customer)}\r\n";
        foreach (var to in OneByEachDoor)
        {
            var (method, path) = Parse(to);
            using var api = Door(to);
            var answer = await RawConnection.ExchangeAsync(
                api.BaseAddress!,
                $"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}{header}\r\n"
            );
            Assert.StartsWith("HTTP/1.1 401 ", answer, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Without_its_scope_a_route_answers_403_and_names_the_scope(string to)
    {
        var needed = ScopeByRequest[to];
        // All others; and words that only look like it.
        var scopes = string.Join(
            ' ',
            Scopes.All.Except([needed]).Concat([$"{needed}s", needed.ToUpperInvariant(), $"x{needed}", "orders", "*"])
        );

        using var response = await SendAsync(to, $"Bearer {shared.Platform.Tokens.Issue(BadTokens.Customer, scopes)}");

        var problem = await response.AssertProblemAsync(HttpStatusCode.Forbidden);
        Assert.Contains(needed, problem.Detail, StringComparison.Ordinal);
        Assert.Equal(
            $"Bearer error=\"insufficient_scope\", scope=\"{needed}\"",
            $"{Assert.Single(response.Headers.WwwAuthenticate)}"
        );
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(OnOrdersOfOthers))]
    public async Task Another_customers_order_is_not_found(string to)
    {
        using var response = await SendAsync(to, $"{shared.Platform.Tokens.Bearer(BadTokens.Customer)}");

        // Nothing was sent about an order that is not there, although Alice has her notification.
        if (to.EndsWith("/notifications", StringComparison.Ordinal))
            Assert.Empty((await response.ReadAsync<ListAnswer<NotificationAnswer>>()).Items);
        else
            await response.AssertProblemAsync(HttpStatusCode.NotFound);
        await alice.AssertUntouchedAsync();
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task A_token_with_only_the_routes_scope_is_enough(string to)
    {
        // As the standard has it, as Entra ID has it, and as `dotnet user-jwts` has it.
        var scope = ScopeByRequest[to];
        foreach (
            var (claim, value) in new (string, object)[]
            {
                ("scope", $"a {scope} b"),
                ("scp", scope),
                ("scope", new[] { "a", scope }),
            }
        )
        {
            var token = shared.Platform.Tokens.Issue($"somebody-{Guid.NewGuid():N}", change: token =>
            {
                token.Claims.Remove("scope");
                token.Claims[claim] = value;
            });
            using var response = await SendAsync(to, $"Bearer {token}");

            // 404 and 400: what it asks for is not there, or is none of this route's.
            Assert.True(
                response.StatusCode
                    is HttpStatusCode.OK
                        or HttpStatusCode.Created
                        or HttpStatusCode.NotFound
                        or HttpStatusCode.BadRequest,
                $"{claim}: {response.StatusCode}"
            );
        }
    }

    [Theory]
    [InlineData("expired", "The token has expired.")]
    [InlineData("not yet valid", "The token is not valid yet.")]
    [InlineData("wrong audience", "The token is for another audience.")]
    [InlineData("wrong issuer", "The token is from another issuer.")]
    [InlineData("wrong signature", "The token's signature is not valid.")]
    [InlineData("8 KB of garbage", "The token cannot be read.")]
    public async Task A_refusal_says_why(string token, string why)
    {
        foreach (var door in new[] { "gateway", "orders" })
        {
            using var response = await SendAsync(
                $"{door} GET /api/v1/orders",
                BadTokens.All[token](shared.Platform.Tokens)
            );
            Assert.Equal(
                $"Bearer error=\"invalid_token\", error_description=\"{why}\"",
                $"{Assert.Single(response.Headers.WwwAuthenticate)}"
            );
        }
    }

    private async Task AssertUnauthorizedAsync(string to, string? authorization, string query = "")
    {
        using var response = await SendAsync(to, authorization, query);

        await response.AssertProblemAsync(HttpStatusCode.Unauthorized);
        var challenge = Assert.Single(response.Headers.WwwAuthenticate);
        Assert.Equal("Bearer", challenge.Scheme);
        // Without a token there is nothing to say about it.
        if (authorization is null)
            Assert.Null(challenge.Parameter);
    }

    private async Task<HttpResponseMessage> SendAsync(string to, string? authorization, string query = "")
    {
        var (method, path) = Parse(to);
        using var client = Door(to);
        using var request = new HttpRequestMessage(method, path + query);
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        // Once it was believed; it says nothing now.
        request.Headers.Add("X-Customer-Id", OrderOfAlice.Alice);
        if (method == HttpMethod.Post)
            request.Content = new StringContent(Body, Encoding.UTF8, "application/json");
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private HttpClient Door(string to) =>
        to.Split(' ')[0] is var door && door == Management
            ? shared.Platform.Management("notifications")
            : shared.Platform.Client(door, customer: null);

    private (HttpMethod Method, string Path) Parse(string to)
    {
        var parts = to.Replace("{id}", $"{alice.Id}", StringComparison.Ordinal).Split(' ');
        return (HttpMethod.Parse(parts[1]), parts[2]);
    }
}
