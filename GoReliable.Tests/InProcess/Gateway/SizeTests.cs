using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>How much a client may send.</summary>
public sealed class SizeTests : GatewayTest
{
    [Theory]
    [InlineData(64, 2_000, 100, 200)]
    [InlineData(65, 2_000, 100, 431)]
    [InlineData(10, 16_000, 100, 200)]
    [InlineData(10, 16_500, 100, 431)]
    [InlineData(10, 2_000, 4_000, 200)]
    [InlineData(10, 2_000, 4_200, 414)]
    public async Task Headers_over_the_limits_are_refused(int headers, int bytes, int lineBytes, int status)
    {
        await using var gateway = await StartAsync();
        var line = $"GET /api/v1/orders/{new string('1', lineBytes - 30)} HTTP/1.1\r\n";
        var head =
            $"Host: x\r\nConnection: close\r\nAuthorization: {GatewayProcess.Tokens.Bearer("alice")}\r\n"
            + string.Concat(Enumerable.Range(0, headers - 4).Select(i => $"H{i}:\r\n"));
        var filler = $"Long: {new string('x', bytes - head.Length - 8)}\r\n";

        var answer = Assert.Single(
            RawConnection.Answers(
                await RawConnection.ExchangeAsync(gateway.Client.BaseAddress!, $"{line}{head}{filler}\r\n")
            )
        );

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? 1 : 0, Orders.Requests.Count);
    }

    [Theory]
    [InlineData(64 * 1024, false)]
    // Kestrel counts what the chunks add.
    [InlineData(63 * 1024, true)]
    public async Task A_body_of_up_to_64_KiB_arrives_whole(int bytes, bool chunked)
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/orders")
        {
            Content = new ByteArrayContent(new byte[bytes]),
        };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await gateway.Client.SendAsync(request, Cancel);

        Assert.Equal($"{bytes} characters", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_64_KiB_is_refused_and_ends_the_connection(bool chunked)
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/orders")
        {
            Content = new ByteArrayContent(new byte[(64 * 1024) + 1]),
        };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await gateway.Client.SendAsync(request, Cancel);

        await response.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        Assert.True(response.Headers.ConnectionClose);
        Assert.Empty(Orders.Requests);
    }

    [Fact]
    public async Task A_body_that_announces_too_much_is_refused_before_it_is_sent()
    {
        await using var gateway = await StartAsync();
        var answer = await RawConnection.ExchangeAsync(
            gateway.Client.BaseAddress!,
            "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 65537\r\n\r\n"
        );

        Assert.Equal(413, Assert.Single(RawConnection.Answers(answer)).Status);
        Assert.Empty(Orders.Requests);
    }
}
