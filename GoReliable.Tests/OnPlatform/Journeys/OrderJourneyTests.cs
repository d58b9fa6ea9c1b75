using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Journeys;

/// <summary>The main job: from an order to its notification.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OrderJourneyTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task An_order_reaches_its_customer_as_an_email_that_the_api_lists()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync(contactEmail: "alice@example.com");

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        Assert.Equal("order.created", notification.GetProperty("type").GetString());
        Assert.Equal("email", notification.GetProperty("channel").GetString());
        Assert.Equal("delivered", notification.GetProperty("status").GetString());
        Assert.Equal(1, notification.GetProperty("attempts").GetInt32());
        Assert.True(notification.GetProperty("sentAt").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-5));

        var file = Path.Combine(platform.PickupFolder, $"{notification.GetProperty("id").GetGuid()}.eml");
        var email = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.Contains("To: alice@example.com", email, StringComparison.Ordinal);
        Assert.Contains(order.ToString(), email, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_change_of_an_order_is_notified_once_and_in_order()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();
        await alice.ChangeStatusAsync(order, "confirm");
        await alice.ChangeStatusAsync(order, "cancel");

        var types = (await alice.WaitForNotificationsAsync(order, 3)).Select(sent =>
            sent.GetProperty("type").GetString()
        );
        Assert.Equal(["order.created", "order.confirmed", "order.cancelled"], types);
    }

    [Fact]
    public async Task Without_an_address_the_notification_is_read_in_the_api()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        Assert.Equal("in_app", notification.GetProperty("channel").GetString());
    }

    [Fact]
    public async Task Somebody_elses_notifications_are_not_shown()
    {
        using var alice = platform.Client("alice");
        using var mallory = platform.Client("mallory");
        var order = await alice.CreateAsync();
        await alice.WaitForNotificationsAsync(order);

        Assert.Empty(await mallory.NotificationsAsync(order));
    }
}
