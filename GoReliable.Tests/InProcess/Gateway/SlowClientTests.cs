using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Clients that take a connection and do not get on with it.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class SlowClientTests : IAsyncLifetime
{
    private InProcessGateway gateway = null!;

    public async ValueTask InitializeAsync() =>
        gateway = await InProcessGateway.StartAsync([], services => services.Configure<KestrelServerOptions>(Hurry));

    public async ValueTask DisposeAsync() => await gateway.DisposeAsync();

    [Theory]
    [InlineData("GET", "", "X-More: 1\r\n")]
    [InlineData("POST", "Content-Length: 60000\r\n\r\n", "x")]
    public async Task A_request_that_never_ends_gets_408_and_ends_its_connection(
        string method,
        string beginning,
        string drip
    )
    {
        using var slow = await SlowRequest.BeginAsync(gateway, "alice", method, beginning);
        var answered = slow.AnswerAsync();
        await Poll.UntilAsync(
            "the end of the connection",
            async () =>
            {
                // A slowloris client sends a little now and then, which must not buy it more time.
                if (!answered.IsCompleted)
                    await slow.SendAsync(drip);
                return answered.IsCompleted;
            },
            isCompleted => isCompleted,
            interval: TimeSpan.FromMilliseconds(500)
        );

        var answer = await answered;
        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("Connection: close", answer);
        // Without a whole head Kestrel itself answers.
        Assert.Equal(method == "POST", answer.Contains("application/problem+json"));
    }

    [Theory]
    [InlineData("POST /no/such/path", 404)]
    [InlineData("POST /docs", 405)]
    public async Task Nobody_waits_for_the_body_of_a_request_without_a_route(string request, int status)
    {
        var answer = await RawConnection.ExchangeAsync(
            gateway.Client.BaseAddress!,
            $"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
        );

        // Waiting would end with 408.
        Assert.Equal(status, Assert.Single(RawConnection.Answers(answer)).Status);
    }

    // The limits are 10 s for headers and 5 s of grace for a body; a fourth is enough to see that they are there.
    private static void Hurry(KestrelServerOptions kestrel)
    {
        var rate = kestrel.Limits.MinRequestBodyDataRate!;
        kestrel.Limits.RequestHeadersTimeout /= 4;
        kestrel.Limits.MinRequestBodyDataRate = new(rate.BytesPerSecond, rate.GracePeriod / 4);
    }
}
