using System.Text;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>The broker ends channels and connections while orders are on their way; they are opened again.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ClosedByBrokerTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public Task A_channel_that_is_closed_for_an_error_loses_nothing() => SurviveAsync("channel-closed", async () =>
    {
        // The next publishing is answered with 404 and the end of the channel. The relay declares what it needs again.
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.ExchangeDeleteAsync("orders", cancellationToken: TestContext.Current.CancellationToken);
    });

    [Fact]
    public Task Connections_that_are_closed_by_an_operator_lose_nothing() => SurviveAsync("connections-closed", async () =>
    {
        using var management = platform.Management("messaging");
        var user = Uri.UnescapeDataString(new Uri(await platform.ConnectionStringAsync("messaging")).UserInfo);
        management.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));
        // It lists them a few seconds after they were opened.
        var open = await Eventually.SeeAsync("the services' connections", () => management.GetJsonAsync("/api/connections"), list => list.GetArrayLength() >= 2);
        foreach (var connection in open.EnumerateArray())
            await management.DeleteAsync($"/api/connections/{Uri.EscapeDataString(connection.GetProperty("name").GetString()!)}", TestContext.Current.CancellationToken);
    });

    private async Task SurviveAsync(string name, Func<Task> breakAsync)
    {
        using var customer = platform.Client(name);
        var orders = new List<Guid>();
        var broken = Task.CompletedTask;
        for (var i = 0; i < 60; i++)
        {
            orders.Add(await customer.CreateAsync());
            if (i == 20)
                broken = breakAsync();
        }
        await broken;
        orders.Add(await customer.CreateAsync());

        foreach (var order in orders)
            Assert.Single(await customer.WaitForNotificationsAsync(order));
    }
}
