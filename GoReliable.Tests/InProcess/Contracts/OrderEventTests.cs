using GoReliable.Messaging;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Written = GoReliable.Orders.Ordering.OrderEvent;

namespace GoReliable.Tests.InProcess.Contracts;

/// <summary>What Orders writes, Notifications reads: the two share no type, only these bytes.</summary>
public sealed class OrderEventTests
{
    [Theory]
    [InlineData("pending", "order.created", null)]
    [InlineData("confirmed", "order.confirmed", "ada@example.com")]
    [InlineData("cancelled", "order.cancelled", "ada@example.com")]
    public void Every_event_of_an_order_is_understood(string status, string type, string? contactEmail)
    {
        var (id, accepted) = (Guid.CreateVersion7(), new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc));
        var order = new Order(
            Guid.CreateVersion7(),
            OrderStatusExtensions.Parse(status),
            "EUR",
            [new OrderItem("sku-1", 3, 1.50m)],
            4.50m,
            contactEmail,
            accepted,
            accepted.AddSeconds(1),
            Version: 2
        );

        var body = Written.Serialize(id, order, "ada");

        Assert.True(EventReader.TryRead(body, out var read, out var poison), poison?.Detail);
        Assert.Equal(id, read.Id);
        Assert.Equal(type, read.Type.Name);
        Assert.Equal(order.Id, read.OrderId);
        Assert.Equal("ada", read.CustomerId);
        Assert.Equal(contactEmail, read.ContactEmail);
        Assert.Equal(4.50m, read.Total);
        Assert.Equal("EUR", read.Currency);
        Assert.Equal(order.UpdatedAt, read.Time.UtcDateTime);
    }

    [Theory]
    [InlineData("ada@example.com")]
    [InlineData("a@b")]
    [InlineData("a.b+c@x-y.example")]
    [InlineData("!#$%&'*+/?=^_`{|}~-@example.com")]
    public void An_address_that_is_accepted_can_be_mailed(string address)
    {
        new CreateOrderRequest("EUR", [new OrderItem("a", 1, 1)], address).Normalize(out var errors);
        Assert.Null(errors);

        var email = OrderEmail.Write(
            Events.OrderEvent(address),
            new MimeKit.MailboxAddress("Shop", "shop@example.com")
        );

        Assert.Equal(address, Assert.Single(email.To.Mailboxes).Address);
    }

    [Theory]
    [InlineData("a.@b.c")]
    [InlineData("a@-b.c")]
    [InlineData("a@b..c")]
    public void An_address_that_no_mail_server_takes_is_refused(string address)
    {
        new CreateOrderRequest("EUR", [new OrderItem("a", 1, 1)], address).Normalize(out var errors);

        Assert.NotNull(errors);
    }

    [Fact]
    public void Every_routing_key_reaches_the_queue_and_has_a_reader()
    {
        foreach (var status in Enum.GetNames<OrderStatus>().Select(name => Enum.Parse<OrderStatus>(name)))
        {
            var key = Written.RoutingKey(status);
            var binding = OrderTopology.Binding.Replace(".", "\\.").Replace("*", "[^.]+");
            Assert.Matches($"^{binding}$", key);
            Assert.Contains(OrderEventType.All, type => type.CloudEventsType == CloudEvents.TypeOf(key));
        }
    }
}
