using System.Net.Sockets;
using System.Text;

namespace GoReliable.Tests.Platform;

/// <summary>Sends bytes to a server, and takes what comes back.</summary>
internal static class RawConnection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Everything that the server answers until it closes the connection.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="request">One character for each byte.</param>
    public static async Task<string> ExchangeAsync(Uri server, string request)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Patience);
        using var client = new TcpClient();
        var answer = new StringBuilder();
        try
        {
            await client.ConnectAsync(server.Host, server.Port, timeout.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), timeout.Token);
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, timeout.Token) is > 0 and var count)
                answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (IOException)
        {
            // It did not read to the end before it closed, so its last packet is a reset. What came before counts.
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"The server neither answered nor hung up within {Patience}. It was sent:\n{request}\nIt said:\n"
                    + $"{answer}"
            );
        }
        return answer.ToString();
    }

    /// <summary>The answers in what a server sent.</summary>
    public static IReadOnlyList<RawAnswer> Answers(string sent) =>
        [.. sent.Split("HTTP/1.1 ").Skip(1).Select(RawAnswer.Parse)];
}
