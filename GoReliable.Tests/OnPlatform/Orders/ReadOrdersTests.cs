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
        string? cursor = null;
        do
        {
            var page = await alice.PageAsync($"?limit=3{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.Items.Select(order => order.Id));
            cursor = page.NextCursor;
        } while (cursor is not null);

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

    public void Dispose() => alice.Dispose();
}
