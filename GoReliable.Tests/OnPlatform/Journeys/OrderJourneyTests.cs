using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Journeys;

/// <summary>The main job: from an order to its notification.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OrderJourneyTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task An_order_leads_to_a_notification_that_the_api_lists()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync(contactEmail: "alice@example.com");

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        Assert.Equal(
            ("order.created", "email", "delivered", 1),
            (notification.Type, notification.Channel, notification.Status, notification.Attempts)
        );
        Assert.True(notification.SentAt > DateTimeOffset.UtcNow.AddMinutes(-5));
    }

    [Fact]
    public async Task An_order_reaches_its_customer_as_an_email()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync(contactEmail: "alice@example.com");

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        var file = Path.Combine(platform.PickupFolder, $"{notification.Id}.eml");
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

        var types = (await alice.WaitForNotificationsAsync(order, 3)).Select(sent => sent.Type);
        Assert.Equal(["order.created", "order.confirmed", "order.cancelled"], types);
    }

    [Fact]
    public async Task Without_an_address_the_notification_is_read_in_the_api()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        Assert.Equal("in_app", notification.Channel);
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
