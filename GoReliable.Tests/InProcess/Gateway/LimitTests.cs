using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Requests per second. A client's address is the one that a trusted proxy names.</summary>
public sealed class LimitTests : GatewayTest
{
    [Fact]
    public async Task An_address_that_sends_too_much_gets_Retry_After_and_others_are_not_affected()
    {
        await using var gateway = await StartLimitedAsync();

        // A single subscriber has this many IPv6 addresses, and more.
        var flood = await FloodAsync(i => gateway.ListAsync(address: $"2001:db8:1:2::{i:x}"));
        string[] others = ["203.0.113.2", "203.0.113.2", "203.0.113.2", "2001:db8:1:3::1"];
        var other = await Task.WhenAll(others.Select(address => gateway.ListAsync(address: address)));

        Assert.All(other, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        var refused = await AssertMostRefusedAsync(flood);
        Assert.Equal(flood.Length + other.Length - refused, Orders.Requests.Count);
        await gateway.WaitForAsync(InProcessGateway.Rejected("address_rate"), refused);
    }

    [Fact]
    public async Task A_customer_has_one_limit_for_all_addresses_together()
    {
        await using var gateway = await StartLimitedAsync(
            ("RateLimits__PerCustomer__PermitsPerSecond", "1"),
            ("RateLimits__PerCustomer__Burst", "3")
        );

        var flood = await FloodAsync(i => gateway.ListAsync("alice", $"203.0.113.{i}"));
        var other = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => gateway.ListAsync("bob", $"203.0.113.{i}")));

        Assert.All(other, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        var refused = await AssertMostRefusedAsync(flood);
        await gateway.WaitForAsync(InProcessGateway.Rejected("customer_rate"), refused);
    }

    [Fact]
    public async Task Guessing_tokens_is_limited_by_the_address()
    {
        await using var gateway = await StartLimitedAsync();
        gateway.Client.DefaultRequestHeaders.Authorization = new("Bearer", "guessed");

        var flood = await FloodAsync(_ => gateway.ListAsync());

        await AssertMostRefusedAsync(flood, otherwise: HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Health_and_metrics_are_never_limited()
    {
        await using var gateway = await StartLimitedAsync();
        await FloodAsync(_ => gateway.ListAsync());

        foreach (var path in new[] { "/health/live", "/health/ready", "/metrics" })
        {
            using var answer = await gateway.Management.GetAsync(path, Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_wrong_limit_in_the_settings_file_is_reported_and_changes_nothing()
    {
        await using var gateway = await StartLimitedAsync();

        await Settings.WriteAsync("""{ "RateLimits": { "PerAddress": { "PermitsPerSecond": 0 } } }""");

        var complaint = Assert.Single(await gateway.WaitForEventsAsync("settings.refused"));
        Assert.Equal("RateLimits:PerAddress", complaint.GetProperty("section").GetString());
        await AssertMostRefusedAsync(await FloodAsync(_ => gateway.ListAsync()));
    }

    private Task<InProcessGateway> StartLimitedAsync(params (string, string)[] settings) =>
        StartAsync([
            ("RateLimits__PerAddress__PermitsPerSecond", "1"),
            ("RateLimits__PerAddress__Burst", "3"),
            ("ForwardedHeaders__KnownProxies__0", "127.0.0.1"),
            .. settings,
        ]);

    private static Task<HttpResponseMessage[]> FloodAsync(Func<int, Task<HttpResponseMessage>> send) =>
        Task.WhenAll(Enumerable.Range(0, 30).Select(send));

    /// <summary>Three at once pass, and one for each second that it took; all others learn when to come again.</summary>
    /// <returns>How many were refused.</returns>
    private static async Task<int> AssertMostRefusedAsync(
        HttpResponseMessage[] flood,
        HttpStatusCode otherwise = HttpStatusCode.OK
    )
    {
        var refused = flood.Where(answer => answer.StatusCode != otherwise).ToList();
        Assert.InRange(refused.Count, 15, 27);
        foreach (var answer in refused)
        {
            await answer.AssertProblemAsync(HttpStatusCode.TooManyRequests);
            Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2);
        }
        return refused.Count;
    }
}
