using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>
/// Puts a marker into every personal or secret value, sends it everywhere, and looks for the markers. Database and
/// broker are missing at the beginning and away at the end, because connection errors often contain connection settings.
/// </summary>
[Collection(ServersOnly.UnderLoad)]
public sealed class PrivacyTests(ServersOnly servers)
{
    private const string Mark = MarkedServices.Person;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Logs_spans_metrics_and_health_contain_no_personal_data_secret_or_body()
    {
        await using var services = new MarkedServices(servers);
        await services.StartAsync();
        var all = services.All;
        var telemetry = services.Telemetry;
        Task UntilLoggedAsync(string service, string @event) =>
            telemetry.WaitForLogAsync(log => log.Service == service && log.EventName == @event, Cancel);

        foreach (var service in new[] { "orders", "notifications" })
            await UntilLoggedAsync(service, "schema.unavailable");
        var told = await HealthAsync(services, HttpStatusCode.ServiceUnavailable);
        services.ConnectDatabase();
        foreach (var service in new[] { "orders", "notifications" })
            await UntilLoggedAsync(service, "broker.unreachable");
        services.ConnectBroker();
        foreach (var service in all.Values)
            await service.WaitUntilReadyAsync();

        using var answers = new Answers();
        HttpClient Client(string service, string token)
        {
            var client = answers.Client(new() { BaseAddress = all[service].Client.BaseAddress });
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
            return client;
        }
        using var customer = Client("gateway", GatewayProcess.Tokens.Issue($"{Mark}-customer"));
        var order = await OrderAsync(services, customer);
        foreach (var token in MarkedTokens.Of(GatewayProcess.Tokens, Mark))
        {
            foreach (var service in all.Keys)
            {
                using var client = Client(service, token);
                await ReadAsync(client, service == "notifications" ? $"{order}/notifications" : $"{order}");
            }
        }
        var poison = await TestEvent.PublishAsync(servers.Platform, poison: true, mark: Mark);
        await telemetry.WaitForLogAsync(
            log => log.TraceId == poison.TraceId && log.EventName == "notification.dead_lettered",
            Cancel
        );
        told = [.. told, .. await HealthAsync(services, HttpStatusCode.OK)];

        await services.DisconnectAsync();
        await Task.WhenAll(
            new[] { $"{order}", $"{order}/notifications" }.Select(async path =>
            {
                using var answer = await customer.GetAsync($"{OrdersClient.Orders}/{path}", Cancel);
                await answer.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            })
        );
        await UntilLoggedAsync("orders", "outbox.relay_interrupted");
        await UntilLoggedAsync("notifications", "consumer.interrupted");
        foreach (var service in new[] { "orders", "notifications" })
            await UntilLoggedAsync(service, "request.unavailable");
        told = [.. told, .. await HealthAsync(services, HttpStatusCode.ServiceUnavailable)];
        // The last of it has been exported when a later request has.
        using var later = await customer.GetAsync($"/{Mark}-path", Cancel);
        await telemetry.WaitForLogAsync(log => log.TraceId == later.Headers.GetValues("X-Trace-Id").Single(), Cancel);

        string[] unspeakable = [Mark, .. services.Secrets];
        Assert.Equal(default, telemetry.Dropped);
        foreach (var log in telemetry.Logs())
            AssertClean([log.Body, log.EventName, .. Texts(log.Attributes)], $"log {log.EventName}");
        foreach (var span in telemetry.Spans())
            AssertClean(
                [
                    span.Name,
                    span.StatusMessage,
                    .. Texts(span.Attributes),
                    .. span.Events.SelectMany(happened => Texts(happened.Attributes)),
                ],
                $"span {span.Name}"
            );
        Assert.NotEmpty(telemetry.Metrics());
        foreach (var point in telemetry.Metrics())
            AssertClean([point.Name, .. Texts(point.Attributes)], $"metric {point.Name}");
        foreach (var (name, service) in all)
        {
            Assert.NotEmpty(service.Output);
            AssertClean(service.Output, $"stdout of {name}");
        }
        AssertClean(told, "health or metrics");
        // Answers may contain the customer's own data.
        unspeakable = [.. services.Secrets];
        AssertClean(answers.Texts, "answer");

        static IEnumerable<string> Texts(IEnumerable<KeyValuePair<string, object?>> attributes) =>
            attributes.Select(attribute => $"{attribute.Key}={attribute.Value}");

        void AssertClean(IEnumerable<string?> texts, string where) =>
            Assert.All(texts, text =>
                Assert.False(
                    text is not null && unspeakable.Any(mark => text.Contains(mark, StringComparison.Ordinal)),
                    $"{where}: {text}"
                )
            );
    }

    // An order in every way, and all that can be wrong with one; its first e-mail fails at the password.
    private static async Task<Guid> OrderAsync(MarkedServices services, HttpClient client)
    {
        var (email, sku, key) = ($"{Mark}-mail@example.com", $"{Mark}-sku", $"{Mark}-key");
        client.DefaultRequestHeaders.Add("Cookie", $"session={Mark}-cookie");
        client.DefaultRequestHeaders.TryAddWithoutValidation("baggage", $"user={Mark}-baggage");
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", $"{Mark}-browser");
        client.DefaultRequestHeaders.Host = $"{Mark}-host.example.com";
        var body =
            $$"""{"currency":"EUR","items":[{"sku":"{{sku}}","quantity":1,"unitPrice":1.5}],"""
            + $$"""
                "contactEmail":"{{email}}"}
                """;

        var response = await client.PostRawAsync(body, idempotencyKey: key);
        var order = (await response.ReadAsync<OrderAnswer>()).Id;
        await services.Telemetry.WaitForLogAsync(log => log.EventName == "notification.retried", Cancel);
        services.Mail.TakesPasswords = true;
        await client.PostRawAsync(body, idempotencyKey: key);
        await client.PostRawAsync(body.Replace("1.5", "2.5", StringComparison.Ordinal), idempotencyKey: key);
        await client.PostRawAsync($$"""{"{{Mark}}-member":1}""");
        await client.PostRawAsync(body.Replace(sku, $"{sku} !", StringComparison.Ordinal));
        await client.PostRawAsync(body.Replace(email, $"{email} !", StringComparison.Ordinal));
        await client.GetAsync($"{OrdersClient.Orders}?cursor={Mark}-cursor&status={Mark}-status", Cancel);
        await client.GetAsync($"/{Mark}-path", Cancel);
        await client.GetAsync($"{OrdersClient.Orders}/{Mark}-id", Cancel);
        using (var invented = new HttpRequestMessage(new HttpMethod($"{Mark}-METHOD"), OrdersClient.Orders))
            await client.SendAsync(invented, Cancel);
        await client.ChangeStatusAsync(order, "confirm");
        await client.WaitForNotificationsAsync(order, 2);
        Assert.Equal(2, services.Mail.Received.Count);
        return order;
    }

    private static async Task ReadAsync(HttpClient client, string order)
    {
        using var response = await client.GetAsync($"{OrdersClient.Orders}/{order}", Cancel);
        Assert.True(
            response.StatusCode
                is HttpStatusCode.OK
                    or HttpStatusCode.NotFound
                    or HttpStatusCode.Unauthorized
                    or HttpStatusCode.Forbidden,
            $"{response.StatusCode}"
        );
    }

    // All that probes and scrapers are told; the services behind the gateway are as ready as it is said here.
    private static async Task<string[]> HealthAsync(MarkedServices services, HttpStatusCode ready)
    {
        var told = new List<string>();
        foreach (var (name, service) in services.All)
        {
            foreach (var path in new[] { "/health/live", "/health/startup", "/health/ready", "/metrics" })
            {
                using var answer = await service.Management.GetAsync(path, Cancel);
                told.Add($"{answer.Headers}{await answer.Content.ReadAsStringAsync(Cancel)}");
                if (path == "/health/ready" && name != "gateway")
                    Assert.Equal(ready, answer.StatusCode);
            }
        }
        return [.. told];
    }
}
