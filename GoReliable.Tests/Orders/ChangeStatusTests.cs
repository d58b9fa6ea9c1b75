using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Orders;

[Collection(SharedPlatform.Name)]
public sealed class ChangeStatusTests(SharedPlatform shared) : IDisposable
{
    private readonly HttpClient alice = shared.Platform.Client("alice");

    [Theory]
    [InlineData("confirmed", "confirm")]
    [InlineData("cancelled", "cancel")]
    [InlineData("cancelled", "confirm", "cancel")]
    public async Task The_way_of_an_order(string end, params string[] verbs)
    {
        var id = await alice.CreateAsync();
        foreach (var verb in verbs)
            Assert.Equal(HttpStatusCode.OK, (await alice.ChangeAsync(id, verb)).StatusCode);

        var order = await alice.GetJsonAsync($"{OrdersClient.Orders}/{id}");
        Assert.Equal(end, order.GetProperty("status").GetString());
        Assert.Equal(1 + verbs.Length, order.GetProperty("version").GetInt32());
        Assert.True(order.GetProperty("updatedAt").GetDateTimeOffset() >= order.GetProperty("createdAt").GetDateTimeOffset());
    }

    [Theory]
    [InlineData("confirm", "confirm")]
    [InlineData("confirm", "cancel")]
    [InlineData("cancel", "cancel")]
    public async Task There_is_no_way_back(string refused, params string[] before)
    {
        var id = await alice.CreateAsync();
        foreach (var verb in before)
            await alice.ChangeAsync(id, verb);

        await (await alice.ChangeAsync(id, refused)).AssertProblemAsync(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Of_ten_confirmations_at_once_one_succeeds()
    {
        var id = await alice.CreateAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => alice.ChangeAsync(id, "confirm")));

        Assert.Equal(1, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(9, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        Assert.Equal(2, (await alice.WaitForNotificationsAsync(id, 2)).Length);
    }

    public void Dispose() => alice.Dispose();
}
