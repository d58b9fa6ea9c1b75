using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Who may operate on dead letters, at which port, and with which requests.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterAccessTests(DeadLetterPlatform own)
{
    private const string Letter = "/dead-letters/0195f1a0-0000-7000-8000-000000000001";

    private readonly GoReliablePlatform platform = own.Platform;

    public static TheoryData<string, string> Operations { get; } =
        new()
        {
            { "GET", "/dead-letters" },
            { "GET", Letter },
            { "DELETE", Letter },
            { "POST", $"{Letter}/redrive" },
            { "POST", "/dead-letters/redrive" },
            { "POST", "/dead-letters/discard" },
        };

    [Theory, MemberData(nameof(Operations))]
    public async Task Operating_needs_a_token(string method, string path)
    {
        using var nobody = platform.Management("notifications");
        await (await nobody.SendJsonAsync(method, path)).AssertProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Operating_needs_the_scope(string method, string path)
    {
        using var alice = platform.Management("notifications");
        alice.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("alice");
        await (await alice.SendJsonAsync(method, path)).AssertProblemAsync(HttpStatusCode.Forbidden);
    }

    [Theory, MemberData(nameof(Operations))]
    public Task Operating_works_only_on_the_management_port(string method, string path) =>
        platform.AssertNotPublicAsync("notifications", method, path);

    [Theory]
    [InlineData("GET", "/dead-letters?limit=0", null, 400)]
    [InlineData("GET", "/dead-letters?limit=201", null, 400)]
    [InlineData("GET", "/dead-letters?cursor=x", null, 400)]
    [InlineData("GET", "/dead-letters/x", null, 404)]
    [InlineData("PUT", "/dead-letters", null, 405)]
    [InlineData("POST", "/dead-letters/redrive", null, 400)]
    [InlineData("POST", "/dead-letters/redrive", "{", 400)]
    [InlineData("POST", "/dead-letters/redrive", "null", 400)]
    [InlineData("POST", "/dead-letters/redrive", "{}", 400)]
    [InlineData("POST", "/dead-letters/redrive", """{"ids":[]}""", 400)]
    [InlineData("POST", "/dead-letters/redrive", """{"all":true,"some":1}""", 400)]
    [InlineData(
        "POST",
        "/dead-letters/redrive",
        """{"all":true,"ids":["0195f1a0-0000-7000-8000-000000000001"]}""",
        400
    )]
    [InlineData("POST", "/dead-letters/redrive", """{"all":true,"perSecond":1001}""", 400)]
    [InlineData("POST", "/dead-letters/discard", """{"all":true,"reason":"\u0000"}""", 400)]
    public async Task A_bad_request_is_answered_with_a_problem(string method, string path, string? body, int status) =>
        await (await own.Operator.SendJsonAsync(method, path, body)).AssertProblemAsync((HttpStatusCode)status);
}
