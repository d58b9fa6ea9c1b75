using System.Net;
using System.Net.Sockets;
using System.Text;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>What a gateway answers itself: in front of services that are away, slow or busy.</summary>
public sealed partial class AnswerTests
{
    private async Task AnswersOfTheGatewayAsync(ApiOperation[] operations)
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (context.Request.Headers.ContainsKey("X-Drop"))
                context.Abort();
            else
                await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
        });
        var nobody = new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await using var gateway = await StartAsync(
            bad.Address,
            ("LoadShedding__PerCustomer", "1"),
            ("Resilience__TotalTimeout", "00:00:05"),
            ("Resilience__TryTimeout", "00:00:05")
        );
        await using var alone = await StartAsync(nobody);
        await Task.WhenAll(
            operations.Select(async operation =>
            {
                var slow = TooSlowAsync(gateway, operation);
                using var drop = Request(operation, "drop");
                drop.Headers.Add("X-Drop", "1");
                await SeeAsync(operation, gateway.Client, drop);
                using var late = Request(operation, "late");
                var hanging = SeeAsync(operation, gateway.Client, late);
                await Poll.UntilAsync(
                    "429 beside a request that hangs",
                    async () =>
                    {
                        // Two at once: the first may have ended on a busy machine.
                        await Task.WhenAll(
                            Enumerable
                                .Range(0, 2)
                                .Select(async _ =>
                                {
                                    using var again = Request(operation, "late");
                                    again.Headers.Authorization = late.Headers.Authorization;
                                    await SeeAsync(operation, gateway.Client, again);
                                })
                        );
                        lock (seen)
                            return seen.Contains($"{operation} 429");
                    },
                    isSeen => isSeen
                );
                await hanging;
                using var large = Request(operation, "large");
                large.Content = new ByteArrayContent(new byte[64 * 1024 + 1]);
                await SeeAsync(operation, gateway.Client, large);
                using var unavailable = Request(operation, "alone");
                await SeeAsync(operation, alone.Client, unavailable);
                await slow;
            })
        );
    }

    private static Task<GatewayProcess> StartAsync(Uri services, params (string, string)[] settings) =>
        GatewayProcess.StartAsync([services], [("services__notifications__http__0", services.ToString()), .. settings]);

    private static HttpRequestMessage Request(ApiOperation operation, string customer) =>
        new(new(operation.Method), operation.Path(Guid.CreateVersion7()))
        {
            Headers = { Authorization = GatewayProcess.Tokens.Bearer($"{customer}-{Guid.NewGuid():N}") },
        };

    // Kestrel's patience with a body is five seconds.
    private async Task TooSlowAsync(GatewayProcess gateway, ApiOperation operation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port, Cancel);
        var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"{operation.Method} {operation.Path(Guid.CreateVersion7())} HTTP/1.1\r\nHost: x\r\n"
                    + $"Authorization: {GatewayProcess.Tokens.Bearer($"slow-{Guid.NewGuid():N}")}\r\n"
                    + $"Content-Length: 60000\r\n\r\nx"
            ),
            Cancel
        );
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var raw = await reader.ReadToEndAsync(Cancel);

        var head = raw[..raw.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");
        using var answer = new HttpResponseMessage((HttpStatusCode)int.Parse(head[0].Split(' ')[1]))
        {
            Content = new StringContent(raw[raw.IndexOf('{', StringComparison.Ordinal)..(raw.LastIndexOf('}') + 1)]),
        };
        answer.Content.Headers.Clear();
        foreach (var header in head.Skip(1).Select(line => line.Split(": ", 2)))
        {
            if (!answer.Headers.TryAddWithoutValidation(header[0], header[1]))
                answer.Content.Headers.TryAddWithoutValidation(header[0], header[1]);
        }
        await SeenAsync(operation, answer);
    }
}
