using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

[Collection(SharedPlatform.Name)]
public sealed class CreateOrderTests(SharedPlatform shared) : IDisposable
{
    private const string Good = """{"currency":"EUR","items":[{"sku":"sku-1","quantity":2,"unitPrice":12.5}]}""";

    private const string TwoItems =
        """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":12.5},"""
        + """{"sku":"b","quantity":1,"unitPrice":0.01}],"contactEmail":"a@example.com"}""";

    private readonly HttpClient alice = shared.Platform.Client("alice");

    [Fact]
    public async Task An_order_is_answered_with_all_its_fields()
    {
        var response = await alice.PostRawAsync(TwoItems);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var order = await response.ReadAsync<OrderAnswer>();
        Assert.Equal(7, order.Id.Version);
        Assert.Equal(
            ("pending", 25.01m, "a@example.com", 1),
            (order.Status, order.Total, order.ContactEmail, order.Version)
        );
        Assert.Equal(order.CreatedAt, order.UpdatedAt);
    }

    [Fact]
    public async Task An_order_is_at_its_location()
    {
        var response = await alice.PostRawAsync(TwoItems);

        var location = response.Headers.Location?.OriginalString;
        Assert.Equal($"/api/v1/orders/{(await response.ReadAsync<OrderAnswer>()).Id}", location);
        var read = await alice.GetAsync(location, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Equal(await response.TextAsync(), await read.TextAsync());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("")]
    [InlineData("""{"currency":"EUR"}""")]
    [InlineData("""{"currency":null,"items":[]}""")]
    [InlineData("""{"currency":"EUR","items":[],"unknown":1}""")]
    [InlineData("""{"currency":"EUR","currency":"USD","items":[]}""")]
    [InlineData("""{"currency":"\ud800","items":[]}""")]
    [InlineData("""{"Currency":"EUR","items":[]}""")]
    [InlineData("""{"currency":"EUR","items":[[[[[[[[[[]]]]]]]]]]}""")]
    [InlineData("""{"currency":"EUR","items":[{"sku":"a","quantity":"2","unitPrice":1}]}""")]
    [InlineData("""{"currency":"EUR","items":[{"sku":"a","quantity":1.5,"unitPrice":1}]}""")]
    [InlineData("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":NaN}]}""")]
    [InlineData("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1e400}]}""")]
    public async Task Unexpected_json_is_a_bad_request(string body) =>
        await (await alice.PostRawAsync(body)).AssertProblemAsync(HttpStatusCode.BadRequest);

    [Theory]
    [InlineData("currency", """{"currency":"EURO","items":[{"sku":"a","quantity":1,"unitPrice":1}]}""")]
    [InlineData("currency", """{"currency":"eur","items":[{"sku":"a","quantity":1,"unitPrice":1}]}""")]
    [InlineData("items", """{"currency":"EUR","items":[]}""")]
    [InlineData("items[0]", """{"currency":"EUR","items":[null]}""")]
    [InlineData("items[0].sku", """{"currency":"EUR","items":[{"sku":" a","quantity":1,"unitPrice":1}]}""")]
    [InlineData("items[0].sku", """{"currency":"EUR","items":[{"sku":"a\n","quantity":1,"unitPrice":1}]}""")]
    [InlineData("items[0].sku", """{"currency":"EUR","items":[{"sku":"a\u0000","quantity":1,"unitPrice":1}]}""")]
    [InlineData("items[0].quantity", """{"currency":"EUR","items":[{"sku":"a","quantity":0,"unitPrice":1}]}""")]
    [InlineData("items[0].quantity", """{"currency":"EUR","items":[{"sku":"a","quantity":1001,"unitPrice":1}]}""")]
    [InlineData("items[0].unitPrice", """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":0}]}""")]
    [InlineData(
        "items[0].unitPrice",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1000000.01}]}"""
    )]
    [InlineData("items[0].unitPrice", """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":0.001}]}""")]
    [InlineData("items[0].unitPrice", """{"currency":"JPY","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""")]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":"a@b\u0000"}"""
    )]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":"a@b\r\nBcc: c@d"}"""
    )]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":".a@b.c"}"""
    )]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":"a..b@b.c"}"""
    )]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":"=?utf-8?q?a=40b=2eexample?=@mail.example"}"""
    )]
    [InlineData(
        "contactEmail",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1}],"contactEmail":"a=?utf-8?b?YUBiLmV4YW1wbGU=?=@mail.example"}"""
    )]
    public async Task A_value_outside_the_limits_is_named(string path, string body)
    {
        var problem = await (await alice.PostRawAsync(body)).AssertProblemAsync(HttpStatusCode.BadRequest);
        Assert.Contains(path, problem.Errors!.Keys);
    }

    [Theory]
    [InlineData("KWD", "0.125")]
    [InlineData("JPY", "1e2")]
    [InlineData("EUR", "1.500")]
    [InlineData("EUR", "1000000")]
    public async Task Values_at_the_limits_are_accepted(string currency, string unitPrice)
    {
        var response = await alice.PostRawAsync(
            $$"""{"currency":"{{currency}}","items":[{"sku":"a","quantity":1000,"unitPrice":{{unitPrice}}}]}"""
        );
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task A_hundred_items_fit() =>
        Assert.Equal(HttpStatusCode.Created, (await PostLargestItemsAsync(100)).StatusCode);

    [Fact]
    public async Task More_than_a_hundred_items_are_refused() =>
        await (await PostLargestItemsAsync(101)).AssertProblemAsync(HttpStatusCode.BadRequest);

    [Fact]
    public async Task A_body_of_another_type_is_refused() =>
        await (await alice.PostRawAsync(Good, contentType: "text/plain")).AssertProblemAsync(
            HttpStatusCode.UnsupportedMediaType
        );

    [Fact]
    public async Task A_body_that_is_too_large_is_refused() =>
        await (await alice.PostRawAsync($$"""{"currency":"{{new string('x', 100_000)}}"}""")).AssertProblemAsync(
            HttpStatusCode.RequestEntityTooLarge
        );

    [Fact]
    public async Task Without_a_token_no_order_is_created()
    {
        using var nobody = shared.Platform.Client(null);
        await (await nobody.PostRawAsync(Good)).AssertProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_refused_order_is_not_stored()
    {
        using var bob = shared.Platform.Client("bob-refused");
        await bob.PostRawAsync("""{"currency":"EUR","items":[]}""");
        await bob.PostRawAsync("{", idempotencyKey: "refused");

        Assert.Empty((await bob.PageAsync()).Items);
    }

    [Fact]
    public async Task The_key_of_a_refused_order_is_free_for_the_corrected_one()
    {
        using var bob = shared.Platform.Client("bob-corrected");
        await bob.PostRawAsync("{", idempotencyKey: "refused");

        Assert.Equal(HttpStatusCode.Created, (await bob.PostRawAsync(Good, idempotencyKey: "refused")).StatusCode);
    }

    public void Dispose() => alice.Dispose();

    private Task<HttpResponseMessage> PostLargestItemsAsync(int count)
    {
        var item = new
        {
            sku = new string('x', 64),
            quantity = 1000,
            unitPrice = 999_999.99m,
        };
        return alice.PostAsJsonAsync(
            OrdersClient.Orders,
            new { currency = "EUR", items = Enumerable.Repeat(item, count) },
            TestContext.Current.CancellationToken
        );
    }
}
