using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace GoReliable.Tests.BadInput;

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
            throw new TimeoutException($"The server neither answered nor hung up within {Patience}. It was sent:\n{request}\nIt said:\n{answer}");
        }
        return answer.ToString();
    }

    /// <summary>The status codes of the answers in it.</summary>
    public static IReadOnlyList<int> Statuses(string answers) =>
    [
        .. answers.Split("HTTP/1.1 ").Skip(1).Select(answer => int.Parse(answer[..3], CultureInfo.InvariantCulture)),
    ];

    /// <summary>Whether the answer, the last if there are several, is what Kestrel says by itself where no request could be made out: a status and no body.</summary>
    public static bool IsBare(string answers) => answers.EndsWith("\r\n\r\n", StringComparison.Ordinal) && answers.Contains("Content-Length: 0", StringComparison.Ordinal);
}
