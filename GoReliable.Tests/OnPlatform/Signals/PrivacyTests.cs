using System.Net;
using System.Net.Http.Headers;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>
/// Puts a marker into every personal or secret value, sends it everywhere, and looks for the markers. It runs on a
/// platform of its own, whose services log at every level. At the end its database and broker are stopped, because
/// connection errors often contain connection settings.
/// </summary>
public sealed class PrivacyTests
{
    private const string Mark = MarkedPlatform.Person;
    private const string Secret = MarkedPlatform.Secret;

    // How every JSON object begins in Base64, and so every token.
    private const string EncodedToken = "eyJ";

    private static readonly string[] Services = MarkedPlatform.Services;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Logs_spans_metrics_and_health_contain_no_personal_data_secret_or_body()
    {
        await using var mail = new MailServer { TakesPasswords = false };
        using var output = new ResourceOutput();
        await using var platform = await MarkedPlatform.StartAsync(mail.Port, output);
        using var answers = new Answers();
        using var client = answers.Client(platform.Client($"{Mark}-customer"));

        var order = await OrderAsync(platform, client, mail);
        foreach (var token in MarkedTokens.Of(platform.Tokens, Mark))
        {
            foreach (var service in Services)
                await SendAsync(platform, answers, service, order, token);
        }
        var poison = await TestEvent.PublishAsync(platform, poison: true, mark: Mark);
        await platform.Telemetry.WaitForLogAsync(
            log => log.TraceId == poison.TraceId && log.EventName == "notification.dead_lettered",
            Cancel
        );
        var health = await HealthAsync(platform, HttpStatusCode.OK);
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            AssertClean([(await Exposition.ScrapeAsync(management)).Text], $"/metrics of {service}");
        }

        await platform.StopAsync("messaging");
        await StartWithoutAsync(
            "broker.unreachable",
            [
                .. await Task.WhenAll(
                    ((string[])["orders-db", "notifications-db", "messaging"]).Select(async name =>
                        ($"ConnectionStrings__{name}", await platform.ConnectionStringAsync(name))
                    )
                ),
            ]
        );
        await platform.StopAsync("postgres");
        foreach (var path in new[] { $"{OrdersClient.Orders}/{order}", $"{OrdersClient.Orders}/{order}/notifications" })
            await (await client.GetAsync(path, Cancel)).AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        foreach (
            var (service, @event) in new[]
            {
                ("orders", "outbox.relay_interrupted"),
                ("notifications", "consumer.interrupted"),
                ("orders", "request.unavailable"),
                ("notifications", "request.unavailable"),
            }
        )
            await platform.Telemetry.WaitForLogAsync(log => log.Service == service && log.EventName == @event, Cancel);
        health = [.. health, .. await HealthAsync(platform, HttpStatusCode.ServiceUnavailable)];
        // The last of it has been exported when a later request has.
        using var later = await client.GetAsync($"/{Mark}-path", Cancel);
        await platform.Telemetry.WaitForLogAsync(
            log => log.TraceId == later.Headers.GetValues("X-Trace-Id").Single(),
            Cancel
        );
        await Poll.UntilAsync(
            "every service on stdout",
            () => Task.FromResult(output.Lines),
            lines =>
                Services.All(service => lines.Any(line => line.Resource.StartsWith(service, StringComparison.Ordinal)))
        );

        Assert.Equal(default, platform.Telemetry.Dropped);
        foreach (var log in platform.Telemetry.Logs())
            AssertClean([$"{log.Body}", log.EventName, .. Texts(log.Attributes)], $"log {log.EventName}");
        foreach (var span in platform.Telemetry.Spans())
            AssertClean(
                [
                    span.Name,
                    span.StatusMessage,
                    .. Texts(span.Attributes),
                    .. span.Events.SelectMany(happened => Texts(happened.Attributes)),
                ],
                $"span {span.Name}"
            );
        foreach (var point in platform.Telemetry.Metrics())
            AssertClean([point.Name, .. Texts(point.Attributes)], $"metric {point.Name}");
        foreach (
            var (service, line) in output.Lines.Where(line =>
                Services.Any(service => line.Resource.StartsWith(service, StringComparison.Ordinal))
            )
        )
            AssertClean([line], $"stdout of {service}");
        AssertClean(health, "health");
        // Responses may contain the customer's own data.
        Assert.All(answers.Texts, answer =>
            Assert.False(
                answer.Contains(Secret, StringComparison.Ordinal)
                    || answer.Contains(EncodedToken, StringComparison.Ordinal),
                answer
            )
        );
    }

    [Fact]
    public Task No_secret_is_shown_when_the_database_is_missing_at_the_start() =>
        StartWithoutAsync(
            "schema.unavailable",
            [
                ("ConnectionStrings__orders-db", $"Host=127.0.0.1;Port=1;Username={Secret};Password={Secret}"),
                ("ConnectionStrings__notifications-db", $"Host=127.0.0.1;Port=1;Username={Secret};Password={Secret}"),
                ("ConnectionStrings__messaging", $"amqp://{Secret}:{Secret}@127.0.0.1:1"),
            ]
        );

    // Both services, beside those of a platform: what they say when they cannot begin.
    private static Task StartWithoutAsync(string complaint, (string, string)[] connections) =>
        Task.WhenAll(
            ((string[])["Orders", "Notifications"]).Select(async name =>
            {
                await using var service = await ServiceProcess.StartAsync(
                    name,
                    [
                        .. connections,
                        ("Logging__LogLevel__Default", "Trace"),
                        ("Authentication__Schemes__Bearer__SigningKeys__0__Value", MarkedPlatform.SigningKey),
                        ("Email__From", "shop@example.com"),
                        ("Email__Smtp__Host", "127.0.0.1"),
                        ("Email__Smtp__User", Secret),
                        ("Email__Smtp__Password", Secret),
                    ]
                );
                await service.WaitForEventAsync(complaint);

                var (_, health) = await service.HealthAsync("ready");
                AssertClean([health, (await Exposition.ScrapeAsync(service.Management)).Text, .. service.Output], name);
            })
        );

    // An order in every way, and all that can be wrong with one; its first e-mail fails at the password.
    private static async Task<Guid> OrderAsync(GoReliablePlatform platform, HttpClient client, MailServer mail)
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
        await platform.Telemetry.WaitForLogAsync(log => log.EventName == "notification.retried", Cancel);
        mail.TakesPasswords = true;
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
        Assert.Equal(2, mail.Received.Count);
        return order;
    }

    private static async Task SendAsync(
        GoReliablePlatform platform,
        Answers answers,
        string service,
        Guid order,
        string token
    )
    {
        using var client = answers.Client(platform.Client(service, customer: null));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var path =
            service == "orders" ? $"{OrdersClient.Orders}/{order}" : $"{OrdersClient.Orders}/{order}/notifications";
        using var response = await client.GetAsync(path, Cancel);
        Assert.True(
            response.StatusCode
                is HttpStatusCode.OK
                    or HttpStatusCode.NotFound
                    or HttpStatusCode.Unauthorized
                    or HttpStatusCode.Forbidden,
            $"{response.StatusCode}"
        );
    }

    // All that the probes are told; the services behind the gateway are as ready as it is said here.
    private static async Task<string[]> HealthAsync(GoReliablePlatform platform, HttpStatusCode ready)
    {
        var told = new List<string>();
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            foreach (var probe in new[] { "live", "startup", "ready" })
            {
                using var answer = await management.GetAsync($"/health/{probe}", Cancel);
                told.Add($"{answer.Headers}{await answer.Content.ReadAsStringAsync(Cancel)}");
                if (probe == "ready" && service != "gateway")
                    Assert.Equal(ready, answer.StatusCode);
            }
        }
        return [.. told];
    }

    private static IEnumerable<string?> Texts(IEnumerable<KeyValuePair<string, object?>> attributes) =>
        attributes.Select(attribute => $"{attribute.Key}={attribute.Value}");

    private static void AssertClean(IEnumerable<string?> texts, string where) =>
        Assert.All(texts, text =>
            Assert.False(
                text is not null
                    && new[] { Mark, Secret, EncodedToken }.Any(mark => text.Contains(mark, StringComparison.Ordinal)),
                $"{where}: {text}"
            )
        );
}
