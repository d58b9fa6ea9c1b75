using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>Confirm and cancel with an <c>Idempotency-Key</c>: as create.</summary>
[Collection(SharedPlatform.Name)]
public sealed class RepeatedChangeTests : IDisposable
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly string customer = $"alice-{Guid.NewGuid():N}";
    private readonly SharedPlatform shared;
    private readonly HttpClient alice;

    public RepeatedChangeTests(SharedPlatform shared) =>
        (this.shared, alice) = (shared, shared.Platform.Client(customer));

    [Fact]
    public async Task The_same_key_gets_the_first_answer_again_whatever_became_of_the_order()
    {
        var id = await alice.CreateAsync();
        var first = await alice.ChangeStatusAsync(id, "confirm", "key-1");
        await alice.ChangeStatusAsync(id, "cancel", "key-2");

        var again = await alice.ChangeStatusAsync(id, "confirm", "key-1");

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal("true", Assert.Single(again.Headers.GetValues("Idempotency-Replayed")));
        Assert.Equal(await first.TextAsync(), await again.TextAsync());
        Assert.Equal("cancelled", (await alice.OrderAsync(id)).Status);
        Assert.Equal(3, (await alice.WaitForNotificationsAsync(id, 3)).Length);
    }

    [Fact]
    public async Task An_answer_without_a_change_is_remembered_too()
    {
        var id = await alice.CreateAsync();
        await alice.ChangeStatusAsync(id, "confirm");
        var first = await alice.ChangeStatusAsync(id, "confirm", "key-1");
        await alice.ChangeStatusAsync(id, "cancel");

        var again = await alice.ChangeStatusAsync(id, "confirm", "key-1");

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(await first.TextAsync(), await again.TextAsync());
    }

    [Fact]
    public async Task The_same_key_for_anything_else_is_refused_and_changes_nothing()
    {
        var (confirmed, pending) = (await alice.CreateAsync(), await alice.CreateAsync());
        await alice.ChangeStatusAsync(confirmed, "confirm", "key-1");
        await alice.PostRawAsync(Body, idempotencyKey: "key-2");

        HttpResponseMessage[] answers =
        [
            await alice.ChangeStatusAsync(pending, "confirm", "key-1"),
            await alice.ChangeStatusAsync(confirmed, "cancel", "key-1"),
            await alice.ChangeStatusAsync(confirmed, "cancel", "key-2"),
            await alice.ChangeStatusAsync(Guid.CreateVersion7(), "confirm", "key-1"),
            await alice.PostRawAsync(Body, idempotencyKey: "key-1"),
        ];

        foreach (var answer in answers)
            await answer.AssertProblemAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Equal("confirmed", (await alice.OrderAsync(confirmed)).Status);
        Assert.Equal("pending", (await alice.OrderAsync(pending)).Status);
    }

    [Fact]
    public async Task The_key_of_a_refused_change_can_be_used_again()
    {
        var id = await alice.CreateAsync();
        await (await alice.ChangeStatusAsync(Guid.CreateVersion7(), "confirm", "key-1")).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await (await alice.ChangeStatusAsync(id, "confirm", "with space")).AssertProblemAsync(
            HttpStatusCode.BadRequest
        );

        Assert.Equal(HttpStatusCode.OK, (await alice.ChangeStatusAsync(id, "cancel", "key-1")).StatusCode);
        await (await alice.ChangeStatusAsync(id, "confirm", "key-2")).AssertProblemAsync(HttpStatusCode.Conflict);
        Assert.Equal(HttpStatusCode.OK, (await alice.ChangeStatusAsync(id, "cancel", "key-2")).StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_the_first_request_is_in_flight_a_second_one_is_a_conflict_with_Retry_After(bool isConfirmed)
    {
        var id = await alice.CreateAsync();
        if (isConfirmed)
            await alice.ChangeStatusAsync(id, "confirm");
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using (await OpenTransaction.OfRequestAsync(database, customer, "key-1"))
        {
            var refused = await alice.ChangeStatusAsync(id, "confirm", "key-1");
            await refused.AssertProblemAsync(HttpStatusCode.Conflict);
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        }
        Assert.Equal(HttpStatusCode.OK, (await alice.ChangeStatusAsync(id, "confirm", "key-1")).StatusCode);
    }

    [Fact]
    public async Task Of_two_changes_with_one_key_at_once_one_is_made()
    {
        for (var i = 0; i < 20; i++)
        {
            var (one, other) = (await alice.CreateAsync(), await alice.CreateAsync());
            var answers = await Task.WhenAll(
                alice.ChangeStatusAsync(one, "confirm", $"key-{i}"),
                alice.ChangeStatusAsync(other, "confirm", $"key-{i}")
            );

            Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
            Assert.Single(answers, answer =>
                answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity
            );
            var states = new[] { (await alice.OrderAsync(one)).Status, (await alice.OrderAsync(other)).Status };
            Assert.Equal(["confirmed", "pending"], states.Order(StringComparer.Ordinal));
        }
    }

    public void Dispose() => alice.Dispose();
}
