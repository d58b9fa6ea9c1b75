using System.Net;
using System.Text.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

[Collection(SharedPlatform.Name)]
public sealed class ReadOrdersTests(SharedPlatform shared) : IDisposable
{
    private readonly HttpClient alice = shared.Platform.Client($"alice-{Guid.NewGuid():N}");

    [Fact]
    public async Task Pages_have_every_order_once_newest_first()
    {
        var created = new List<Guid>();
        for (var i = 0; i < 7; i++)
            created.Add(await alice.CreateAsync());

        var seen = new List<Guid>();
        for (
            string? cursor = null, query = "?limit=3";
            query is not null;
            query = cursor is null ? null : $"?limit=3&cursor={cursor}"
        )
        {
            var page = await alice.PageAsync(query);
            seen.AddRange(page.Items.Select(order => order.Id));
            cursor = page.NextCursor;
        }

        // Orders of one millisecond may change places.
        Assert.Equal(created.Order(), seen.Order());
        var times = seen.Select(id => Convert.ToHexString(id.ToByteArray(bigEndian: true), 0, 6)).ToList();
        Assert.Equal(times.OrderDescending(StringComparer.Ordinal), times);
    }

    [Fact]
    public async Task A_new_order_between_two_pages_moves_nothing()
    {
        for (var i = 0; i < 4; i++)
            await alice.CreateAsync();
        var first = await alice.PageAsync("?limit=2");
        await alice.CreateAsync();
        var second = await alice.PageAsync($"?limit=2&cursor={first.NextCursor}");

        Assert.Equal(4, first.Items.Concat(second.Items).Select(order => order.Id).Distinct().Count());
        Assert.Null(second.NextCursor);
    }

    [Fact]
    public async Task Only_orders_of_the_status_are_listed()
    {
        var confirmed = await alice.CreateAsync();
        await alice.CreateAsync();
        await alice.ChangeStatusAsync(confirmed, "confirm");

        Assert.Equal(confirmed, Assert.Single((await alice.PageAsync("?status=confirmed")).Items).Id);
    }

    [Theory]
    [InlineData("status=paid")]
    [InlineData("status=")]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("limit=-1")]
    [InlineData("limit=ten")]
    [InlineData("cursor=")]
    [InlineData("cursor=nonsense")]
    [InlineData("cursor=%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00")]
    public async Task A_bad_query_is_a_bad_request(string query) =>
        await (
            await alice.GetAsync($"{OrdersClient.Orders}?{query}", TestContext.Current.CancellationToken)
        ).AssertProblemAsync(HttpStatusCode.BadRequest);

    [Fact]
    public async Task Somebody_elses_order_does_not_exist()
    {
        using var mallory = shared.Platform.Client("mallory");
        var order = await alice.CreateAsync();

        await (
            await mallory.GetAsync($"{OrdersClient.Orders}/{order}", TestContext.Current.CancellationToken)
        ).AssertProblemAsync(HttpStatusCode.NotFound);
        await (await mallory.ChangeStatusAsync(order, "confirm")).AssertProblemAsync(HttpStatusCode.NotFound);
        await (await mallory.ChangeStatusAsync(order, "cancel")).AssertProblemAsync(HttpStatusCode.NotFound);
        Assert.Equal("pending", (await alice.OrderAsync(order)).Status);
    }

    [Theory]
    [InlineData("/api/v1/orders/00000000-0000-0000-0000-000000000000")]
    [InlineData("/api/v1/orders/no-uuid")]
    [InlineData("/api/v1/orders/no-uuid/notifications")]
    [InlineData("/api/v1/nothing")]
    public async Task What_does_not_exist_is_not_found(string path) =>
        await (await alice.GetAsync(path, TestContext.Current.CancellationToken)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );

    [Theory]
    [InlineData("GET", "/api/v1/orders")]
    [InlineData("GET", "/api/v1/orders/01900000-0000-7000-8000-000000000000")]
    [InlineData("POST", "/api/v1/orders/01900000-0000-7000-8000-000000000000/confirm")]
    [InlineData("POST", "/api/v1/orders/01900000-0000-7000-8000-000000000000/cancel")]
    [InlineData("GET", "/api/v1/orders/01900000-0000-7000-8000-000000000000/notifications")]
    public async Task Without_a_token_nothing_is_read_or_changed(string method, string path)
    {
        using var nobody = shared.Platform.Client(null);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        await (await nobody.SendAsync(request, TestContext.Current.CancellationToken)).AssertProblemAsync(
            HttpStatusCode.Unauthorized
        );
    }

    [Fact]
    public async Task A_method_that_a_route_does_not_have_is_not_allowed() =>
        await (await alice.DeleteAsync(OrdersClient.Orders, TestContext.Current.CancellationToken)).AssertProblemAsync(
            HttpStatusCode.MethodNotAllowed
        );

    [Fact]
    public async Task The_api_describes_its_paths_through_the_gateway()
    {
        using var nobody = shared.Platform.Client(null);
        var description = await nobody.GetAsync<JsonElement>("/openapi/v1.json");
        var paths = description.GetProperty("paths").EnumerateObject().Select(path => path.Name);
        Assert.Equal(
            [
                "/api/v1/orders",
                "/api/v1/orders/{id}",
                "/api/v1/orders/{id}/cancel",
                "/api/v1/orders/{id}/confirm",
                "/api/v1/orders/{id}/notifications",
            ],
            paths.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task The_api_describes_that_it_wants_a_bearer_token()
    {
        using var nobody = shared.Platform.Client(null);
        var description = await nobody.GetAsync<JsonElement>("/openapi/v1.json");
        var scheme = Assert
            .Single(description.GetProperty("security").EnumerateArray())
            .EnumerateObject()
            .Single()
            .Name;
        Assert.Equal(
            "bearer",
            description
                .GetProperty("components")
                .GetProperty("securitySchemes")
                .GetProperty(scheme)
                .GetProperty("scheme")
                .GetString()
        );
    }

    [Fact]
    public async Task The_api_has_a_page_of_documentation()
    {
        using var nobody = shared.Platform.Client(null);
        var page = await nobody.GetAsync("/docs", TestContext.Current.CancellationToken);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
    }

    public void Dispose() => alice.Dispose();
}
