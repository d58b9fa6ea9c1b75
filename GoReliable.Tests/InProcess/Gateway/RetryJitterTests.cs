using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Requests that failed at the same time must not be retried at the same time.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class RetryJitterTests
{
    [Fact]
    public async Task Retries_wait_for_a_random_time()
    {
        // One answer of three is a failure: too few for the replica to be left out.
        var arrivals = new ConcurrentQueue<long>();
        await using var orders = await Destination.StartAsync(context =>
        {
            arrivals.Enqueue(Stopwatch.GetTimestamp());
            if (arrivals.Count % 3 == 1)
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        await using var gateway = await InProcessGateway.StartAsync([orders.Address]);

        for (var i = 0; i < 40; i++)
            Assert.Equal(
                HttpStatusCode.OK,
                (await gateway.Client.GetAsync("/api/v1/orders", TestContext.Current.CancellationToken)).StatusCode
            );

        var pauses = arrivals.Chunk(3).Select(tries => Stopwatch.GetElapsedTime(tries[0], tries[1])).ToList();
        Assert.Equal(20, pauses.Count);
        // Without chance all would be alike. None may be short on a busy machine, but they still differ.
        Assert.True(pauses.Max() - pauses.Min() > TimeSpan.FromMilliseconds(15), string.Join(' ', pauses));
    }
}
