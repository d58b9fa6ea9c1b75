using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>After a conflict the gateway asks again only if the conflict may be with a try of its own.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class ConflictRetryTests
{
    private readonly FailingOrders orders = new();

    [Fact]
    public async Task A_retry_waits_for_a_first_try_that_is_still_running()
    {
        await using var slow = await Destination.StartAsync(context =>
            orders.Bodies.Count switch
            {
                0 => orders.FailAsync(context, Destination.Hang),
                < 5 => orders.FailAsync(context, "409"),
                _ => Results.StatusCode(StatusCodes.Status201Created).ExecuteAsync(context),
            }
        );
        await using var gateway = await InProcessGateway.StartAsync(
            [slow.Address],
            ("Resilience__TryTimeout", "00:00:01")
        );

        Assert.Equal(HttpStatusCode.Created, (await gateway.OrderAsync("key")).StatusCode);

        Assert.Equal(5, orders.Bodies.Count);
    }

    [Fact]
    public async Task A_change_with_a_key_is_sent_again_and_a_lasting_conflict_is_returned_at_once()
    {
        await using var changed = await Destination.StartAsync(async context =>
        {
            if (orders.Bodies.IsEmpty)
                await orders.FailAsync(context, Destination.Drop);
            else
            {
                await orders.ReadAsync(context);
                context.Response.StatusCode = StatusCodes.Status409Conflict;
            }
        });
        await using var gateway = await InProcessGateway.StartAsync([changed.Address]);

        Assert.Equal(
            HttpStatusCode.Conflict,
            (await gateway.Client.ChangeStatusAsync(Guid.Empty, "confirm", "key")).StatusCode
        );

        Assert.Equal(2, orders.Bodies.Count);
    }

    [Fact]
    public async Task A_conflict_with_another_clients_request_is_returned_at_once()
    {
        await using var busy = await Destination.StartAsync(context => orders.FailAsync(context, "409"));
        await using var gateway = await InProcessGateway.StartAsync([busy.Address]);

        Assert.Equal(HttpStatusCode.Conflict, (await gateway.OrderAsync("key")).StatusCode);

        Assert.Single(orders.Bodies);
    }
}
