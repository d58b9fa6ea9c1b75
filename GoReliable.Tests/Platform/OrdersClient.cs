using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace GoReliable.Tests.Platform;

/// <summary>What a customer's program does with the API.</summary>
internal static class OrdersClient
{
    public const string Orders = "/api/v1/orders";

    /// <summary>A valid body, in the words of the API.</summary>
    public static object Body(decimal unitPrice = 12.5m, string? contactEmail = null, string currency = "EUR") =>
        contactEmail is null
            ? new
            {
                currency,
                items = new[]
                {
                    new
                    {
                        sku = "sku-1",
                        quantity = 2,
                        unitPrice,
                    },
                },
            }
            : new
            {
                currency,
                items = new[]
                {
                    new
                    {
                        sku = "sku-1",
                        quantity = 2,
                        unitPrice,
                    },
                },
                contactEmail,
            };

    public static async Task<Guid> CreateAsync(this HttpClient client, string? contactEmail = null)
    {
        var response = await client.PostAsJsonAsync(
            Orders,
            Body(contactEmail: contactEmail),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await response.ReadAsync<OrderAnswer>()).Id;
    }

    /// <summary>Posts a body as it is, valid or not.</summary>
    public static Task<HttpResponseMessage> PostRawAsync(
        this HttpClient client,
        string body,
        string contentType = "application/json",
        string? idempotencyKey = null
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Orders)
        {
            Content = new StringContent(body, Encoding.UTF8),
        };
        request.Content.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (idempotencyKey is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        return client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public static Task<HttpResponseMessage> ChangeStatusAsync(
        this HttpClient client,
        Guid order,
        string verb,
        string? idempotencyKey = null
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"{Orders}/{order}/{verb}");
        if (idempotencyKey is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        return client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Reads a resource that is there.</summary>
    public static async Task<T> GetAsync<T>(this HttpClient client, string path)
    {
        var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadAsync<T>();
    }

    public static Task<OrderAnswer> OrderAsync(this HttpClient client, Guid order) =>
        client.GetAsync<OrderAnswer>($"{Orders}/{order}");

    /// <summary>A page of orders, newest first.</summary>
    public static Task<PageAnswer<OrderAnswer>> PageAsync(this HttpClient client, string query = "") =>
        client.GetAsync<PageAnswer<OrderAnswer>>(Orders + query);

    public static async Task<NotificationAnswer[]> NotificationsAsync(this HttpClient client, Guid order) =>
        (await client.GetAsync<ListAnswer<NotificationAnswer>>($"{Orders}/{order}/notifications")).Items;

    /// <summary>Waits until so many notifications were sent about an order.</summary>
    public static Task<NotificationAnswer[]> WaitForNotificationsAsync(
        this HttpClient client,
        Guid order,
        int count = 1
    ) =>
        Poll.UntilAsync(
            $"{count} notification(s) of order {order}",
            () => client.NotificationsAsync(order),
            found => found.Length >= count
        );

    /// <summary>Reads an answer, as often as it is asked for.</summary>
    public static async Task<T> ReadAsync<T>(this HttpResponseMessage response) =>
        ApiAnswers.Parse<T>(await response.TextAsync());

    public static Task<string> TextAsync(this HttpResponseMessage response) =>
        response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    /// <summary>Asserts an RFC 9457 problem document with a trace id, and returns it.</summary>
    public static async Task<ProblemAnswer> AssertProblemAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.ReadAsync<ProblemAnswer>();
        Assert.Equal((int)status, problem.Status);
        Assert.Matches("^[0-9a-f]{32}$", problem.TraceId);
        return problem;
    }
}
