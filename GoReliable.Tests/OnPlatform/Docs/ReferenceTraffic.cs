using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>Makes the platform emit all that a run without a broken process can make it emit.</summary>
public sealed class ReferenceTraffic(SharedPlatform shared) : IAsyncLifetime
{
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
        Assert.Equal(HttpStatusCode.OK, (await customer.ChangeStatusAsync(order, "confirm")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await customer.ChangeStatusAsync(order, "cancel")).StatusCode);
        await customer.WaitForNotificationsAsync(order, 3);
        foreach (var key in new[] { "confirm", "confirm", "confirm-again" })
            Assert.Equal(HttpStatusCode.OK, (await customer.ChangeStatusAsync(second, "confirm", key)).StatusCode);
        await customer.CreateAsync();
        foreach (
            var path in new[]
            {
                $"{OrdersClient.Orders}/{order}",
                OrdersClient.Orders,
                $"{OrdersClient.Orders}?status=cancelled",
                "/openapi/v1.json",
            }
        )
            await customer.GetAsync<object>(path);
        foreach (var _ in new[] { "first", "again" })
            Assert.Equal(HttpStatusCode.Created, (await PostOnceAsync(customer, 1)).StatusCode);
    }

    private async Task FailAsync(HttpClient customer)
    {
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostOnceAsync(customer, 2)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await customer.PostRawAsync("{")).StatusCode);
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await customer.ChangeStatusAsync(Guid.CreateVersion7(), "confirm")).StatusCode
        );
        foreach (
            var path in new[]
            {
                $"{OrdersClient.Orders}/{Guid.CreateVersion7()}",
                $"{OrdersClient.Orders}/1",
                $"{OrdersClient.Orders}/1/notifications",
                "/nowhere",
            }
        )
            Assert.Equal(
                HttpStatusCode.NotFound,
                (await customer.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode
            );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (
                await customer.GetAsync($"{OrdersClient.Orders}?limit=none", TestContext.Current.CancellationToken)
            ).StatusCode
        );
        using var nobody = Platform.Client(customer: null);
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await nobody.GetAsync(OrdersClient.Orders, TestContext.Current.CancellationToken)).StatusCode
        );
    }

    private static Task<HttpResponseMessage> PostOnceAsync(HttpClient customer, decimal unitPrice)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, OrdersClient.Orders)
        {
            Content = JsonContent.Create(OrdersClient.Body(unitPrice)),
        };
        request.Headers.Add("Idempotency-Key", "reference");
        return customer.SendAsync(request, TestContext.Current.CancellationToken);
    }

    // An e-mail that arrives at the second attempt, a message that arrives twice, and poison.
    private async Task DeliverWithTroubleAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        var blocked = await TestEvent.PublishAsync(Platform, block: true);
        await Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.retried" && log.TraceId == blocked.TraceId,
            cancel
        );
        blocked.Unblock();
        await Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == blocked.TraceId,
            cancel
        );

        // Often enough that one batch has nothing but duplicates.
        var twice = await TestEvent.PublishAsync(Platform, times: 20);
        await Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.duplicate" && log.TraceId == twice.TraceId,
            cancel
        );

        var poison = await TestEvent.PublishAsync(Platform, poison: true);
        await Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.dead_lettered" && log.TraceId == poison.TraceId,
            cancel
        );
    }

    // The relay's message comes back, since no queue wants it. Its next session declares the binding again, and sends
    // it.
    private async Task PublishToNobodyAsync(HttpClient customer)
    {
        await using var connection = await Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await channel.QueueUnbindAsync(
            "notifications",
            "orders",
            "order.*",
            cancellationToken: TestContext.Current.CancellationToken
        );
        var order = await customer.CreateAsync();
        await customer.WaitForNotificationsAsync(order);
    }
}
