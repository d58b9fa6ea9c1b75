using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>What an operator does with events that the broker does not take, and nobody else does.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class OutboxOperatorTests(OutboxFixture own) : IClassFixture<OutboxFixture>
{
    public static TheoryData<string, string> Routes =>
        new()
        {
            { "GET", "/outbox/set-aside" },
            { "GET", "/outbox/set-aside/0195f1a0-0000-7000-8000-000000000001" },
            { "DELETE", "/outbox/set-aside/0195f1a0-0000-7000-8000-000000000001" },
            { "POST", "/outbox/set-aside/0195f1a0-0000-7000-8000-000000000001/redrive" },
            { "POST", "/outbox/set-aside/redrive" },
        };

    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_operator_can_discard_a_row_and_the_rest_of_its_order_is_published()
    {
        var order = Guid.CreateVersion7();
        await own.InsertAsync(order, "two.first");
        await own.InsertAsync(order, "order.confirmed");
        await own.UntilSetAsideAsync(order);

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await own.Operator.DeleteAsync($"/outbox/set-aside/{order}", Cancel)).StatusCode
        );

        await Poll.UntilAsync(
            "nothing of the order",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE order_id = '{order}'"),
            count => count == 0
        );
        await (await own.Operator.DeleteAsync($"/outbox/set-aside/{order}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await (await own.Operator.GetAsync($"/outbox/set-aside/{order}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "outbox.discarded" && (string?)log["OrderId"] == $"{order}",
            Cancel
        );
    }

    [Theory]
    [InlineData("GET", "/outbox/set-aside?limit=0", null, 400)]
    [InlineData("GET", "/outbox/set-aside?limit=201", null, 400)]
    [InlineData("GET", "/outbox/set-aside?cursor=x", null, 400)]
    [InlineData("GET", "/outbox/set-aside/x", null, 404)]
    [InlineData("PUT", "/outbox/set-aside", null, 405)]
    [InlineData("POST", "/outbox/set-aside/redrive", null, 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", "{", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", "{}", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"orders":[]}""", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"all":true,"some":1}""", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"all":true,"reason":"\u0000"}""", 400)]
    [InlineData("POST", "/outbox/set-aside/0195f1a0-0000-7000-8000-000000000001/redrive", null, 404)]
    public async Task A_bad_request_is_answered_with_a_problem(string method, string path, string? body, int status) =>
        await (await own.Operator.SendJsonAsync(method, path, body)).AssertProblemAsync((HttpStatusCode)status);

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Operating_needs_the_scope(string method, string path)
    {
        using var other = platform.Management("orders");
        await (await other.SendJsonAsync(method, path)).AssertProblemAsync(HttpStatusCode.Unauthorized);
        other.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("alice");
        await (await other.SendJsonAsync(method, path)).AssertProblemAsync(HttpStatusCode.Forbidden);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public Task Operating_works_only_on_the_management_port(string method, string path) =>
        platform.AssertNotPublicAsync("orders", method, path);

    [Fact]
    public async Task The_description_of_the_API_has_nothing_for_operators()
    {
        using var reader = platform.Client("orders", "alice");
        Assert.DoesNotContain(
            "set-aside",
            await reader.GetStringAsync("/openapi/v1.json", Cancel),
            StringComparison.Ordinal
        );
    }
}
