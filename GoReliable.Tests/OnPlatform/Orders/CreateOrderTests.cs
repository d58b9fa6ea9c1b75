using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>What makes no order is in <see cref="BadInput.CorpusTests"/>.</summary>
[Collection(SharedPlatform.Name)]
public sealed class CreateOrderTests(SharedPlatform shared) : IDisposable
{
    private const string Item = """{"sku":"a","quantity":1,"unitPrice":1}""";

    private readonly HttpClient alice = shared.Platform.Client("alice");

    [Fact]
    public async Task An_order_is_answered_with_all_its_fields_and_is_at_its_location()
    {
        var response = await alice.PostRawAsync(
            Body("EUR", """{"sku":"a","quantity":2,"unitPrice":12.5},{"sku":"b","quantity":1,"unitPrice":0.01}""")
        );

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var order = await response.ReadAsync<OrderAnswer>();
        Assert.Equal(7, order.Id.Version);
        Assert.Equal(
            ("pending", 25.01m, "a@example.com", 1),
            (order.Status, order.Total, order.ContactEmail, order.Version)
        );
        Assert.Equal(order.CreatedAt, order.UpdatedAt);

        Assert.Equal($"{OrdersClient.Orders}/{order.Id}", response.Headers.Location?.OriginalString);
        var read = await alice.GetAsync(response.Headers.Location, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Equal(await response.TextAsync(), await read.TextAsync());
    }

    [Theory]
    [InlineData("currency", "eur")]
    [InlineData("items", "EUR", "")]
    [InlineData("items[0]", "EUR", "null")]
    [InlineData("items[0].sku", "EUR", """{"sku":" a","quantity":1,"unitPrice":1}""")]
    [InlineData("items[0].quantity", "EUR", """{"sku":"a","quantity":1001,"unitPrice":1}""")]
    [InlineData("items[0].unitPrice", "EUR", """{"sku":"a","quantity":1,"unitPrice":1000000.01}""")]
    [InlineData("items[0].unitPrice", "JPY", """{"sku":"a","quantity":1,"unitPrice":1.5}""")]
    [InlineData("contactEmail", "EUR", Item, ".a@b.c")]
    [InlineData("contactEmail", "EUR", Item, "=?utf-8?q?a=40b=2eexample?=@mail.example")]
    public async Task A_value_outside_the_limits_is_named(
        string path,
        string currency,
        string items = Item,
        string email = "a@example.com"
    )
    {
        var answer = await alice.PostRawAsync(Body(currency, items, email));
        var problem = await answer.AssertProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(path, Assert.Single(problem.Errors!.Keys));
    }

    [Theory]
    [InlineData("KWD", "0.125")]
    [InlineData("JPY", "1e2")]
    [InlineData("EUR", "1.500")]
    [InlineData("EUR", "1000000")]
    public async Task Values_at_the_limits_are_accepted(string currency, string unitPrice)
    {
        var item = $$"""{"sku":"a","quantity":1000,"unitPrice":{{unitPrice}}}""";
        Assert.Equal(HttpStatusCode.Created, (await alice.PostRawAsync(Body(currency, item))).StatusCode);
    }

    [Fact]
    public async Task A_hundred_items_fit()
    {
        var item = $$"""{"sku":"{{new string('x', 64)}}","quantity":1000,"unitPrice":999999.99}""";
        var largest = Body("EUR", string.Join(',', Enumerable.Repeat(item, 100)));
        Assert.Equal(HttpStatusCode.Created, (await alice.PostRawAsync(largest)).StatusCode);
    }

    public void Dispose() => alice.Dispose();

    private static string Body(string currency, string items, string email = "a@example.com") =>
        $$"""{"currency":"{{currency}}","items":[{{items}}],"contactEmail":"{{email}}"}""";
}
