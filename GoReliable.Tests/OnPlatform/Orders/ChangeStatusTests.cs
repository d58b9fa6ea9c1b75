using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

[Collection(SharedPlatform.Name)]
public sealed class ChangeStatusTests(SharedPlatform shared) : IDisposable
{
    private readonly HttpClient alice = shared.Platform.Client("alice");

    [Theory]
    [InlineData("confirmed", "confirm")]
    [InlineData("cancelled", "cancel")]
    [InlineData("cancelled", "confirm", "cancel")]
    public async Task Allowed_changes_lead_to_the_expected_status(string end, params string[] verbs)
    {
        var id = await alice.CreateAsync();
        foreach (var verb in verbs)
            Assert.Equal(HttpStatusCode.OK, (await alice.ChangeStatusAsync(id, verb)).StatusCode);

        var order = await alice.OrderAsync(id);
        Assert.Equal(end, order.Status);
        Assert.Equal(1 + verbs.Length, order.Version);
        Assert.True(order.UpdatedAt >= order.CreatedAt);
    }

    [Fact]
    public async Task A_cancelled_order_cannot_be_confirmed()
    {
        var id = await alice.CreateAsync();
        await alice.ChangeStatusAsync(id, "cancel");

        var refused = await alice.ChangeStatusAsync(id, "confirm");
        await refused.AssertProblemAsync(HttpStatusCode.Conflict);
        // Time does not help.
        Assert.Null(refused.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("confirm")]
    [InlineData("cancel")]
    public async Task Asking_for_the_current_status_is_answered_with_the_order(string verb)
    {
        var id = await alice.CreateAsync();
        var first = await alice.ChangeStatusAsync(id, verb);
        var again = await alice.ChangeStatusAsync(id, verb);

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(await first.TextAsync(), await again.TextAsync());
        Assert.Equal(2, (await alice.WaitForNotificationsAsync(id, 2)).Length);
    }

    [Fact]
    public async Task Ten_confirmations_at_once_are_one_change()
    {
        var id = await alice.CreateAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => alice.ChangeStatusAsync(id, "confirm")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(2, (await alice.OrderAsync(id)).Version);
        Assert.Equal(2, (await alice.WaitForNotificationsAsync(id, 2)).Length);
    }

    public void Dispose() => alice.Dispose();
}
