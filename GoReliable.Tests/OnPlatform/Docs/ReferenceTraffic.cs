using System.Net;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>Makes the platform emit all that a run without a broken process can make it emit.</summary>
public sealed class ReferenceTraffic(SharedPlatform shared) : IAsyncLifetime
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public GoReliablePlatform Platform { get; } = shared.Platform;

    public async ValueTask InitializeAsync()
    {
        using var customer = Platform.Client("reference");
        await OrderAsync(customer);
        await FailAsync(customer);
        await DeliverWithTroubleAsync();
        await PublishToNobodyAsync(customer);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task OrderAsync(HttpClient customer)
    {
        var order = await customer.CreateAsync(contactEmail: "reference@example.com");
        var second = await customer.CreateAsync();
        await AssertAsync(HttpStatusCode.OK, customer.ChangeStatusAsync(order, "confirm"));
        await AssertAsync(HttpStatusCode.OK, customer.ChangeStatusAsync(order, "cancel"));
        await customer.WaitForNotificationsAsync(order, 3);
        foreach (var key in new[] { "confirm", "confirm", "confirm-again" })
            await AssertAsync(HttpStatusCode.OK, customer.ChangeStatusAsync(second, "confirm", key));
        foreach (var path in new[] { $"/{order}", "", "?status=cancelled" })
            await AssertAsync(HttpStatusCode.OK, customer.GetAsync($"{OrdersClient.Orders}{path}", Cancel));
        await AssertAsync(HttpStatusCode.OK, customer.GetAsync("/openapi/v1.json", Cancel));
        foreach (var _ in new[] { "first", "again" })
            await AssertAsync(HttpStatusCode.Created, customer.PostRawAsync(Body, idempotencyKey: "reference"));
    }

    private async Task FailAsync(HttpClient customer)
    {
        await AssertAsync(
            HttpStatusCode.UnprocessableEntity,
            customer.PostRawAsync(Body.Replace("1.5", "2", StringComparison.Ordinal), idempotencyKey: "reference")
        );
        await AssertAsync(HttpStatusCode.BadRequest, customer.PostRawAsync("{"));
        await AssertAsync(HttpStatusCode.BadRequest, customer.GetAsync($"{OrdersClient.Orders}?limit=none", Cancel));
        await AssertAsync(HttpStatusCode.NotFound, customer.ChangeStatusAsync(Guid.CreateVersion7(), "confirm"));
        foreach (var path in new[] { $"/{Guid.CreateVersion7()}", "/1", "/1/notifications" })
            await AssertAsync(HttpStatusCode.NotFound, customer.GetAsync($"{OrdersClient.Orders}{path}", Cancel));
        await AssertAsync(HttpStatusCode.NotFound, customer.GetAsync("/nowhere", Cancel));
        using var nobody = Platform.Client(customer: null);
        await AssertAsync(HttpStatusCode.Unauthorized, nobody.GetAsync(OrdersClient.Orders, Cancel));
    }

    private static async Task AssertAsync(HttpStatusCode status, Task<HttpResponseMessage> answer)
    {
        using var response = await answer;
        Assert.Equal(status, response.StatusCode);
    }

    // An e-mail that arrives at the second attempt, a message that arrives twice, and poison.
    private async Task DeliverWithTroubleAsync()
    {
        Task UntilAsync(TestEvent message, string @event) =>
            Platform.Telemetry.WaitForLogAsync(
                log => log.EventName == @event && log.TraceId == message.TraceId,
                Cancel
            );
        var blocked = await TestEvent.PublishAsync(Platform, block: true);
        await UntilAsync(blocked, "notification.retried");
        blocked.Unblock();
        await UntilAsync(blocked, "notification.delivered");
        // Often enough that one batch has nothing but duplicates.
        await UntilAsync(await TestEvent.PublishAsync(Platform, times: 20), "notification.duplicate");
        await UntilAsync(await TestEvent.PublishAsync(Platform, poison: true), "notification.dead_lettered");
    }

    // The relay's message comes back, since no queue wants it. Its next session declares the binding again, and sends
    // it.
    private async Task PublishToNobodyAsync(HttpClient customer)
    {
        await using var connection = await Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await channel.QueueUnbindAsync("notifications", "orders", "order.*", null, Cancel);
        await customer.WaitForNotificationsAsync(await customer.CreateAsync());
    }
}
