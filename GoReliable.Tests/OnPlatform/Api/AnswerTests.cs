using System.Text;
using GoReliable.Tests.InProcess.Api;
using GoReliable.Tests.OnPlatform.Orders;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>The answers of the OpenAPI document are those that the platform gives: all of them, and no other.</summary>
[Collection(SharedPlatform.Name)]
public sealed class AnswerTests(SharedPlatform shared)
{
    private const string Good = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";
    private const string Other = """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;
    private readonly HashSet<string> seen = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_answer_that_is_described_is_given_as_described()
    {
        var document = await ApiDocument.ReadAsync(platform);
        foreach (var operation in document.Operations)
            await SeeAnswersAsync(operation);

        Assert.Equal(
            document.AnswersWith(status => !GatewayAnswerTests.Statuses.Contains(status)).Order(StringComparer.Ordinal),
            seen.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Every_answer_that_was_given_until_now_is_described()
    {
        var document = await ApiDocument.ReadAsync(platform);
        using var management = platform.Management("gateway");
        var scrape = await Exposition.ScrapeAsync(management);

        var given = scrape
            .Find("goreliable_api_gateway_http_requests_total")
            .Where(sample =>
                sample.Value > 0
                && sample.Labels["route"].StartsWith("/api/", StringComparison.Ordinal)
                && sample.Labels["status_code"] != "499"
            ) // read by nobody
            .Select(sample => $"{sample.Labels["method"]} {sample.Labels["route"]} {sample.Labels["status_code"]}");

        Assert.Empty(given.Except(document.AnswersWith()));
    }

    private async Task SeeAnswersAsync(ApiOperation operation)
    {
        var name = $"answers-{Guid.NewGuid():N}";
        using var customer = platform.Client(name);
        var (order, cancelled) = (await customer.CreateAsync(), await customer.CreateAsync());
        await customer.ChangeStatusAsync(cancelled, "cancel");
        var isPost = operation.Method == "POST";
        var good = operation.Operation.RequestBody is null ? null : Good;

        await SeeAsync(key: isPost ? "first" : null);
        await SeeAsync(key: isPost ? "first" : null);
        using var nobody = platform.Client(customer: null);
        await SeeAsync(client: nobody);
        using var powerless = platform.Client("gateway", "powerless", scopes: "none");
        await SeeAsync(client: powerless);
        if (operation.Template.Contains("{id}", StringComparison.Ordinal))
            await SeeAsync(path: operation.Template.Replace("{id}", "1", StringComparison.Ordinal));
        if (isPost)
        {
            await SeeAsync(key: "bad key");
            await using (var database = await platform.DatabaseAsync("orders-db"))
            await using (await OpenTransaction.OfRequestAsync(database, name, "in-flight"))
                await SeeAsync(key: "in-flight");
            await customer.ChangeStatusAsync(order, "cancel", "used");
            await SeeAsync(path: operation.Path(cancelled), key: "used");
            await SeeAsync(path: operation.Path(cancelled)); // for one that cannot be confirmed, a conflict
        }
        switch (operation.Operation.OperationId)
        {
            case "createOrder":
                await SeeAsync(body: "{");
                await SeeAsync(body: """{"currency":"EUR","items":[]}""");
                await SeeAsync(body: Other, key: "first");
                await SeeAsync(type: "text/plain");
                break;
            case "listOrders":
                foreach (var query in new[] { "limit=0", "status=paid", "cursor=nonsense" })
                    await SeeAsync(path: $"{operation.Template}?{query}");
                break;
        }

        async Task SeeAsync(
            string? path = null,
            string? body = null,
            string? key = null,
            string type = "application/json",
            HttpClient? client = null
        )
        {
            using var request = new HttpRequestMessage(new(operation.Method), path ?? operation.Path(order));
            if ((body ?? good) is { } sent)
                request.Content = new StringContent(sent, Encoding.UTF8, type);
            if (key is not null)
                request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            using var answer = await (client ?? customer).SendAsync(request, Cancel);
            seen.Add(await ApiDocument.AssertDescribedAsync(operation, answer));
        }
    }
}
