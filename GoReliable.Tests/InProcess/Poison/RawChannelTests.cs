using System.Net;
using System.Net.Sockets;
using GoReliable.Notifications.Messages;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;

namespace GoReliable.Tests.InProcess.Poison;

public sealed class RawChannelTests
{
    [Theory]
    [InlineData("amqp")]
    [InlineData("amqps")]
    public async Task A_server_that_accepts_and_says_nothing_is_given_up(string scheme)
    {
        var time = new FakeTimeProvider();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var server = new ConnectionFactory { Uri = new Uri($"{scheme}://{silent.LocalEndpoint}") };

        var opening = RawChannel.OpenAsync(server, time, TestContext.Current.CancellationToken);
        using var accepted = await silent.AcceptSocketAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(10));

        // Sooner than the limit of a frame, which the clock of the machine measures.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            opening.WaitAsync(TimeSpan.FromSeconds(9), TestContext.Current.CancellationToken)
        );
    }
}
