using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.Signals;

/// <summary>
/// Marks every value that a person or a secret could be in, sends it everywhere, and looks for the marks; on a platform of
/// its own, whose services log at every level.
/// </summary>
public sealed class PrivacyTests
{
    // How every JSON object begins in Base64, and so every token.
    private const string EncodedToken = "eyJ";

    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    [Fact]
    public async Task Nothing_personal_and_no_body_is_in_logs_spans_or_metrics()
    {
        await using var platform = await GoReliablePlatform.StartAsync(configure: builder =>
        {
            foreach (var service in Services)
            {
                builder.CreateResourceBuilder<ProjectResource>(service)
                    .WithEnvironment("Logging__LogLevel__Default", "Trace")
                    .WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore", "Trace")
                    .WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Trace")
                    .WithEnvironment("Logging__LogLevel__Npgsql", "Trace")
                    .WithEnvironment("Logging__LogLevel__Yarp", "Trace")
                    .WithEnvironment("Logging__OpenTelemetry__LogLevel__Default", "Trace");
            }
        });
        const string Mark = "m4rk3d";
        var (customer, email, sku, key) = ($"{Mark}-customer", $"{Mark}-mail@example.com", $"{Mark}-sku", $"{Mark}-key");
        using var client = platform.Client(customer);
        client.DefaultRequestHeaders.Add("Cookie", $"session={Mark}-cookie");
        client.DefaultRequestHeaders.TryAddWithoutValidation("baggage", $"user={Mark}-baggage");
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", $"{Mark}-browser");
        client.DefaultRequestHeaders.Host = $"{Mark}-host.example.com";
        var body = $$"""{"currency":"EUR","items":[{"sku":"{{sku}}","quantity":1,"unitPrice":1.5}],"contactEmail":"{{email}}"}""";

        var response = await client.PostRawAsync(body, idempotencyKey: key);
        var order = (await response.JsonAsync()).GetProperty("id").GetGuid();
        await client.PostRawAsync(body, idempotencyKey: key);
        await client.PostRawAsync(body.Replace("1.5", "2.5", StringComparison.Ordinal), idempotencyKey: key);
        await client.PostRawAsync($$"""{"{{Mark}}-member":1}""");
        await client.PostRawAsync(body.Replace(sku, $"{sku} !", StringComparison.Ordinal));
        await client.PostRawAsync(body.Replace(email, $"{email} !", StringComparison.Ordinal));
        await client.GetAsync($"{OrdersClient.Orders}?cursor={Mark}-cursor&status={Mark}-status", TestContext.Current.CancellationToken);
        await client.GetAsync($"/{Mark}-path", TestContext.Current.CancellationToken);
        foreach (var token in MarkedTokens(platform.Tokens, Mark))
        {
            foreach (var service in Services)
                await SendAsync(platform, service, order, token);
        }
        await client.GetAsync($"{OrdersClient.Orders}/{Mark}-id", TestContext.Current.CancellationToken);
        using (var invented = new HttpRequestMessage(new HttpMethod($"{Mark}-METHOD"), OrdersClient.Orders))
            await client.SendAsync(invented, TestContext.Current.CancellationToken);
        await client.ChangeAsync(order, "confirm");
        await client.WaitForNotificationsAsync(order, 2);
        // What fails is told as well: a delivery, and a message that nobody can read.
        var blocked = await TestEvent.PublishAsync(platform, block: true, mark: Mark);
        await platform.Telemetry.WaitForLogAsync(log => log.TraceId == blocked.TraceId && log.EventName == "notification.retried", TestContext.Current.CancellationToken);
        var poison = await TestEvent.PublishAsync(platform, poison: true, mark: Mark);
        await platform.Telemetry.WaitForLogAsync(log => log.TraceId == poison.TraceId && log.EventName == "notification.dead_lettered", TestContext.Current.CancellationToken);
        // The last of it has been exported when a later request has.
        var later = await client.GetAsync(OrdersClient.Orders, TestContext.Current.CancellationToken);
        await platform.Telemetry.WaitForLogAsync(log => log.TraceId == later.Headers.GetValues("X-Trace-Id").Single(), TestContext.Current.CancellationToken);

        Assert.Equal(default, platform.Telemetry.Dropped);
        foreach (var log in platform.Telemetry.Logs())
            AssertClean(Mark, [$"{log.Body}", log.EventName, .. Texts(log.Attributes)], $"log {log.EventName}");
        foreach (var span in platform.Telemetry.Spans())
            AssertClean(Mark, [span.Name, span.StatusMessage, .. Texts(span.Attributes), .. span.Events.SelectMany(happened => Texts(happened.Attributes))], $"span {span.Name}");
        foreach (var point in platform.Telemetry.Metrics())
            AssertClean(Mark, [point.Name, .. Texts(point.Attributes)], $"metric {point.Name}");
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            AssertClean(Mark, [(await Exposition.ScrapeAsync(management)).Text], $"/metrics of {service}");
        }
    }

    // Good and bad ones, with marks in all that IdentityModel could put into a message.
    private static IEnumerable<string> MarkedTokens(TokenIssuer tokens, string mark) =>
    [
        tokens.Issue($"{mark}-subject"),
        tokens.Issue($"{mark}-subject", scopes: $"{mark}-scope"),
        tokens.Issue($"{mark} subject that is refused"),
        tokens.Issue($"{mark}-subject", change: token => token.Audience = $"{mark}-audience"),
        tokens.Issue($"{mark}-subject", change: token => token.Issuer = $"{mark}-issuer"),
        tokens.Issue($"{mark}-subject", change: token => token.SigningCredentials = null),
        tokens.Issue($"{mark}-subject", change: token => (token.NotBefore, token.Expires) = (DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddMinutes(-1))),
        tokens.Issue($"{mark}-subject", change: token => token.SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(new byte[32]) { KeyId = $"{mark}-kid" }, SecurityAlgorithms.HmacSha256)),
        tokens.IssueRaw($"{mark}-payload"),
        $"{mark}-garbage",
        $"{mark}.garbage.{mark}",
    ];

    private static async Task SendAsync(GoReliablePlatform platform, string service, Guid order, string token)
    {
        using var client = platform.Client(service, customer: null);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var path = service == "orders" ? $"{OrdersClient.Orders}/{order}" : $"{OrdersClient.Orders}/{order}/notifications";
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, $"{response.StatusCode}");
    }

    private static IEnumerable<string?> Texts(IEnumerable<KeyValuePair<string, object?>> attributes) => attributes.Select(attribute => $"{attribute.Key}={attribute.Value}");

    private static void AssertClean(string mark, IEnumerable<string?> texts, string where) =>
        Assert.All(texts, text => Assert.False(text?.Contains(mark, StringComparison.Ordinal) == true || text?.Contains(EncodedToken, StringComparison.Ordinal) == true, $"{where}: {text}"));
}
