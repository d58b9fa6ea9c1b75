using System.Net;
using System.Text;
using GoReliable.Tests.InProcess.Gateway;
using GoReliable.Tests.OnPlatform.Api;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Api;

/// <summary>What a gateway answers itself, in front of services that are away, slow or busy, is described.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class GatewayAnswerTests
{
    /// <summary>Nobody but the gateway gives these answers.</summary>
    internal static readonly HttpStatusCode[] Statuses =
    [
        HttpStatusCode.RequestTimeout,
        HttpStatusCode.RequestEntityTooLarge,
        HttpStatusCode.TooManyRequests,
        HttpStatusCode.BadGateway,
        HttpStatusCode.ServiceUnavailable,
        HttpStatusCode.GatewayTimeout,
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_answer_of_the_gateway_is_described_and_given_as_described()
    {
        var document = await ApiDocument.ReadAsync();
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (context.Request.Headers.ContainsKey("X-Drop"))
                context.Abort();
            else
                await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
        });
        var nobody = new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await using var alone = await StartAsync(nobody);
        await using var gateway = await StartAsync(
            bad.Address,
            ("LoadShedding__PerCustomer", "1"),
            ("Resilience__TotalTimeout", "00:00:02"),
            ("Resilience__TryTimeout", "00:00:02")
        );

        var seen = await Task.WhenAll(document.Operations.Select(operation => SeeAsync(operation, gateway, alone)));

        Assert.Equal(
            document.AnswersWith(Statuses.Contains).Order(StringComparer.Ordinal),
            seen.SelectMany(answers => answers).Order(StringComparer.Ordinal)
        );
    }

    private static async Task<string[]> SeeAsync(
        ApiOperation operation,
        InProcessGateway gateway,
        InProcessGateway alone
    )
    {
        var slow = TooSlowAsync(operation, gateway);
        using var drop = Request(operation);
        drop.Headers.Add("X-Drop", "1");
        using var large = Request(operation);
        large.Content = new ByteArrayContent(new byte[64 * 1024 + 1]);
        return
        [
            .. await BusyAsync(operation, gateway),
            await SendAsync(operation, gateway, drop),
            await SendAsync(operation, gateway, large),
            await SendAsync(operation, alone, Request(operation)),
            await slow,
        ];
    }

    // Of several requests of one customer at once, one hangs until its time is over, and the others are too many.
    private static async Task<string[]> BusyAsync(ApiOperation operation, InProcessGateway gateway)
    {
        var customer = Request(operation).Headers.Authorization;
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 3)
                .Select(_ =>
                {
                    var request = Request(operation);
                    request.Headers.Authorization = customer;
                    return SendAsync(operation, gateway, request);
                })
        );
        return [.. answers.Distinct()];
    }

    // Kestrel's patience with a body is five seconds.
    private static async Task<string> TooSlowAsync(ApiOperation operation, InProcessGateway gateway)
    {
        var head =
            $"{operation.Method} {operation.Path(Guid.CreateVersion7())} HTTP/1.1\r\nHost: x\r\n"
            + $"Authorization: {Request(operation).Headers.Authorization}\r\nContent-Length: 60000\r\n\r\nx";
        var raw = await RawConnection.ExchangeAsync(gateway.Client.BaseAddress!, head);

        var lines = raw[..raw.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");
        using var answer = new HttpResponseMessage((HttpStatusCode)int.Parse(lines[0].Split(' ')[1]))
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(raw[raw.IndexOf('{')..(raw.LastIndexOf('}') + 1)])),
        };
        foreach (var header in lines.Skip(1).Select(line => line.Split(": ", 2)))
        {
            if (!answer.Headers.TryAddWithoutValidation(header[0], header[1]))
                answer.Content.Headers.TryAddWithoutValidation(header[0], header[1]);
        }
        return await ApiDocument.AssertDescribedAsync(operation, answer);
    }

    private static async Task<string> SendAsync(
        ApiOperation operation,
        InProcessGateway gateway,
        HttpRequestMessage request
    )
    {
        using var answer = await gateway.Client.SendAsync(request, Cancel);
        return await ApiDocument.AssertDescribedAsync(operation, answer);
    }

    private static Task<InProcessGateway> StartAsync(Uri services, params (string, string)[] settings) =>
        InProcessGateway.StartAsync([services], [("services__notifications__http__0", $"{services}"), .. settings]);

    // Of a customer of its own.
    private static HttpRequestMessage Request(ApiOperation operation) =>
        new(new(operation.Method), operation.Path(Guid.CreateVersion7()))
        {
            Headers = { Authorization = GatewayProcess.Tokens.Bearer($"{Guid.NewGuid():N}") },
        };
}
