using System.Net;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>
/// A gateway whose connection to the real order service breaks when an order is stored, and before that is told: the
/// moment in which a careless retry makes two of it.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class RepeatedOrderTests(SharedPlatform shared)
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"sku-1","quantity":1,"unitPrice":1.5}]}""";

    [Fact]
    public async Task With_a_key_the_customer_gets_the_order_and_only_one_exists()
    {
        using var orders = shared.Platform.Client("orders", $"repeat-{Guid.NewGuid():N}");
        var answers = 0;
        await using var breaking = await Destination.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            using var answer = await orders.PostRawAsync(
                await reader.ReadToEndAsync(context.RequestAborted),
                idempotencyKey: context.Request.Headers["Idempotency-Key"]
            );
            if (Interlocked.Increment(ref answers) == 1)
            {
                Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
                context.Abort();
                return;
            }
            context.Response.StatusCode = (int)answer.StatusCode;
            if (answer.Headers.TryGetValues("Idempotency-Replayed", out var replayed))
                context.Response.Headers["Idempotency-Replayed"] = replayed.Single();
            await context.Response.WriteAsync(await answer.TextAsync(), context.RequestAborted);
        });
        await using var gateway = await GatewayProcess.StartAsync(
            [breaking.Address],
            ("Resilience__TryTimeout", "00:00:30")
        );

        using var response = await gateway.Client.PostRawAsync(Body, idempotencyKey: "once");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("true", response.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(2, breaking.Requests.Count);
        var order = Assert.Single((await orders.PageAsync()).Items);
        Assert.Equal(order.Id, (await response.ReadAsync<OrderAnswer>()).Id);
    }
}
