using System.Net.Sockets;
using System.Text;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Clients that take a connection and do not get on with it.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class SlowClientTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    // The limits are 10 s for headers and 5 s of grace for a body; this is for a machine that is busy.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly InProcessGateway gateway = fixture.Gateway;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Headers_that_never_end_close_the_connection()
    {
        using var client = await ConnectAsync();

        // A header every second, as slowloris does it: it must not count as life.
        var answer = await AnswerAsync(client, "GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n", drip: "X-More: 1\r\n");

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Idempotency-Key: key\r\n")]
    public async Task A_body_that_trickles_in_closes_the_connection(string header)
    {
        using var client = await ConnectAsync();

        var answer = await AnswerAsync(
            client,
            $"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n"
                + $"Authorization: {GatewayProcess.Tokens.Bearer("alice")}\r\n{header}Content-Length: 60000\r\n\r\n",
            drip: "x"
        );

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST /no/such/path", 404)]
    [InlineData("POST /docs", 405)]
    [InlineData("PUT /api/v1/orders", 405)]
    public async Task Nobody_waits_for_the_body_of_a_request_without_a_route(string request, int status)
    {
        using var client = await ConnectAsync();
        await client
            .GetStream()
            .WriteAsync(
                Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"),
                Cancel
            );

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var answer = await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(Patience, Cancel);

        // Waiting would end with 408.
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_clients_do_not_keep_others_waiting()
    {
        var slow = new List<TcpClient>();
        for (var i = 0; i < 200; i++)
        {
            slow.Add(await ConnectAsync());
            await slow[^1]
                .GetStream()
                .WriteAsync(Encoding.ASCII.GetBytes("GET /api/v1/orders HTTP/1.1\r\nHost:"), Cancel);
        }

        var answer = await gateway.Client.GetStringAsync("/api/v1/orders", Cancel).WaitAsync(Patience, Cancel);

        Assert.Equal("0 characters", answer);
        slow.ForEach(client => client.Dispose());
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port, Cancel);
        return client;
    }

    // Sends the beginning, then one drip each second, and returns all that came until the other side closed.
    private static async Task<string> AnswerAsync(TcpClient client, string beginning, string drip)
    {
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(beginning), Cancel);
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        var answer = reader.ReadToEndAsync(Cancel);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var deadline = TimeProvider.System.GetTimestamp();
        while (!answer.IsCompleted && await second.WaitForNextTickAsync(Cancel))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(deadline) < Patience,
                $"The connection is open after {Patience}."
            );
            try
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(drip), Cancel);
            }
            catch (IOException)
            {
                // Closed by the other side, which is what is waited for.
                break;
            }
        }
        return await answer.WaitAsync(Patience, Cancel);
    }
}
