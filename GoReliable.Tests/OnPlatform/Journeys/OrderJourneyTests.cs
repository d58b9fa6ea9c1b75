using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Journeys;

/// <summary>The main job: from an order to its notification.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OrderJourneyTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task An_order_leads_to_an_email_and_a_notification_that_the_api_lists()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync(contactEmail: "alice@example.com");

        var notification = Assert.Single(await alice.WaitForNotificationsAsync(order));
        Assert.Equal(
            ("order.created", "email", "delivered", 1),
            (notification.Type, notification.Channel, notification.Status, notification.Attempts)
        );
        Assert.True(notification.SentAt > DateTimeOffset.UtcNow.AddMinutes(-5));
        var email = await File.ReadAllTextAsync(
            Path.Combine(platform.PickupFolder, $"{notification.Id}.eml"),
            TestContext.Current.CancellationToken
        );
        Assert.Contains("To: alice@example.com", email, StringComparison.Ordinal);
        Assert.Contains(order.ToString(), email, StringComparison.Ordinal);
    }

    // There is no address, so the notifications are read in the API.
    [Fact]
    public async Task Every_change_of_an_order_is_notified_once_and_in_order()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();
        await alice.ChangeStatusAsync(order, "confirm");
        await alice.ChangeStatusAsync(order, "cancel");

        Assert.Equal(
            [("order.created", "in_app"), ("order.confirmed", "in_app"), ("order.cancelled", "in_app")],
            (await alice.WaitForNotificationsAsync(order, 3)).Select(sent => (sent.Type, sent.Channel))
        );
    }
}
