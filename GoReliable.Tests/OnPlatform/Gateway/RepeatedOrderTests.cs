using System.Net;
using System.Net.Http.Headers;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>
/// A gateway whose connection to the real order service breaks when an order is stored, and before that is told: the
/// moment in which a careless retry makes two of it.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class RepeatedOrderTests(SharedPlatform shared)
{
    private readonly string customer = $"repeat-{Guid.NewGuid():N}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_a_key_the_customer_gets_the_order_and_only_one_exists()
    {
        await using var breaking = await BreakAtFirstAnswerAsync();
        await using var gateway = await GatewayProcess.StartAsync(
            [breaking.Address],
            ("Resilience__TotalTimeout", "00:00:30"),
            ("Resilience__TryTimeout", "00:00:30")
        );

        using var response = await gateway.Client.PostRawAsync(Body, idempotencyKey: "once");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("true", response.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(2, breaking.Requests.Count);
        Assert.Equal([(await response.ReadAsync<OrderAnswer>()).Id], await StoredAsync());
    }

    [Fact]
    public async Task Without_a_key_the_customer_learns_that_the_outcome_is_unknown_and_one_order_exists()
    {
        await using var breaking = await BreakAtFirstAnswerAsync();
        await using var gateway = await GatewayProcess.StartAsync(
            [breaking.Address],
            ("Resilience__TotalTimeout", "00:00:30")
        );

        using var response = await gateway.Client.PostRawAsync(Body);

        await response.AssertProblemAsync(HttpStatusCode.BadGateway);
        Assert.Null(response.Headers.RetryAfter);
        Assert.Single(breaking.Requests);
        Assert.Single(await StoredAsync());
    }

    private const string Body = """{"currency":"EUR","items":[{"sku":"sku-1","quantity":1,"unitPrice":1.5}]}""";

    private Task<Destination> BreakAtFirstAnswerAsync()
    {
        var orders = shared.Platform.Client("orders", customer);
        var answers = 0;
        return Destination.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            using var request = new HttpRequestMessage(HttpMethod.Post, context.Request.Path)
            {
                Content = new StringContent(await reader.ReadToEndAsync(Cancel), Encoding.UTF8),
            };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(context.Request.ContentType!);
            if (context.Request.Headers.TryGetValue("Idempotency-Key", out var key))
                request.Headers.Add("Idempotency-Key", key.ToString());
            using var answer = await orders.SendAsync(request, Cancel);
            if (Interlocked.Increment(ref answers) == 1)
            {
                Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
                context.Abort();
                return;
            }
            context.Response.StatusCode = (int)answer.StatusCode;
            context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
            if (answer.Headers.TryGetValues("Idempotency-Replayed", out var replayed))
                context.Response.Headers["Idempotency-Replayed"] = replayed.Single();
            await context.Response.WriteAsync(await answer.Content.ReadAsStringAsync(Cancel), Cancel);
        });
    }

    private async Task<List<Guid>> StoredAsync()
    {
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using var command = database.CreateCommand("SELECT id FROM orders WHERE customer_id = $1");
        command.Parameters.AddWithValue(customer);
        await using var row = await command.ExecuteReaderAsync(Cancel);
        var found = new List<Guid>();
        while (await row.ReadAsync(Cancel))
            found.Add(row.GetGuid(0));
        return found;
    }
}
