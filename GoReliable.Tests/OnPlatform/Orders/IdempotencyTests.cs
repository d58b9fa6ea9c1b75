using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

[Collection(SharedPlatform.Name)]
public sealed class IdempotencyTests(SharedPlatform shared) : IDisposable
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";
    private const string SameBody =
        """{ "items": [ { "unitPrice": 1.50, "quantity": 1, "sku": "a" } ], "currency": "EUR" }""";
    private const string OtherBody = """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}]}""";

    private readonly HttpClient alice = shared.Platform.Client($"alice-{Guid.NewGuid():N}");

    [Fact]
    public async Task The_same_key_and_order_get_the_first_answer_again()
    {
        var first = await alice.PostRawAsync(Body, idempotencyKey: "key-1");
        var id = (await first.ReadAsync<OrderAnswer>()).Id;
        await alice.ChangeStatusAsync(id, "confirm");

        var again = await alice.PostRawAsync(SameBody, idempotencyKey: "key-1");

        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        Assert.Equal("true", Assert.Single(again.Headers.GetValues("Idempotency-Replayed")));
        Assert.Equal(await first.TextAsync(), await again.TextAsync());
        Assert.Single((await alice.PageAsync()).Items);
    }

    [Fact]
    public async Task The_same_key_for_another_order_is_refused()
    {
        await alice.PostRawAsync(Body, idempotencyKey: "key-1");
        await (await alice.PostRawAsync(OtherBody, idempotencyKey: "key-1")).AssertProblemAsync(
            HttpStatusCode.UnprocessableEntity
        );
    }

    [Fact]
    public async Task A_key_belongs_to_its_customer()
    {
        using var bob = shared.Platform.Client($"bob-{Guid.NewGuid():N}");
        await alice.PostRawAsync(Body, idempotencyKey: "key-1");

        Assert.Equal(HttpStatusCode.Created, (await bob.PostRawAsync(OtherBody, idempotencyKey: "key-1")).StatusCode);
    }

    [Fact]
    public async Task A_key_in_quotes_is_the_same_key()
    {
        var first = await alice.PostRawAsync(Body, idempotencyKey: "key-1");
        var again = await alice.PostRawAsync(Body, idempotencyKey: "\"key-1\"");
        Assert.Equal(first.Headers.Location, again.Headers.Location);
    }

    [Fact]
    public async Task The_key_of_a_refused_order_is_free_for_the_corrected_one()
    {
        await alice.PostRawAsync("{", idempotencyKey: "key-1");
        Assert.Equal(HttpStatusCode.Created, (await alice.PostRawAsync(Body, idempotencyKey: "key-1")).StatusCode);
    }

    [Fact]
    public async Task Twenty_requests_at_once_with_one_key_store_one_order()
    {
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => alice.PostRawAsync(Body, idempotencyKey: "key-1"))
        );

        Assert.All(answers, answer =>
            Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, $"{answer.StatusCode}")
        );
        Assert.Single(
            answers
                .Where(answer => answer.StatusCode == HttpStatusCode.Created)
                .Select(answer => answer.Headers.Location)
                .Distinct()
        );
        Assert.Single((await alice.PageAsync()).Items);
    }

    public void Dispose() => alice.Dispose();
}
