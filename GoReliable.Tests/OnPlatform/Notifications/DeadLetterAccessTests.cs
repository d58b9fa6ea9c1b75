using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>At which port dead letters are operated on, and with which requests; AuthorizationTests says by whom.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeadLetterAccessTests(DeadLetterOperator own) : IClassFixture<DeadLetterOperator>
{
    private const string Id = "0195f1a0-0000-7000-8000-000000000001";

    [Fact]
    public async Task Operating_works_only_on_the_management_port()
    {
        await own.Platform.AssertNotPublicAsync("notifications", "GET", "/dead-letters");
        await own.Platform.AssertNotPublicAsync("notifications", "GET", $"/dead-letters/{Id}");
        await own.Platform.AssertNotPublicAsync("notifications", "DELETE", $"/dead-letters/{Id}");
        await own.Platform.AssertNotPublicAsync("notifications", "POST", $"/dead-letters/{Id}/redrive");
        await own.Platform.AssertNotPublicAsync("notifications", "POST", "/dead-letters/redrive");
        await own.Platform.AssertNotPublicAsync("notifications", "POST", "/dead-letters/discard");
    }

    // BadInput.OperatorTests sends more, but for those any 4xx will do.
    [Theory]
    [InlineData("GET", "?limit=0", null, 400)]
    [InlineData("GET", "?limit=201", null, 400)]
    [InlineData("GET", "?cursor=x", null, 400)]
    [InlineData("GET", "/x", null, 404)]
    [InlineData("PUT", "", null, 405)]
    [InlineData("POST", "/redrive", null, 400)]
    [InlineData("POST", "/redrive", "{", 400)]
    [InlineData("POST", "/redrive", """{"all":true,"perSecond":1001}""", 400)]
    [InlineData("POST", "/discard", """{"reason":"\u0000"}""", 400)]
    [InlineData("POST", "/redrive", """{"ids":[]}""", 400)]
    [InlineData("POST", "/redrive", """{"all":true,"some":1}""", 400)]
    [InlineData("POST", "/redrive", $$"""{"all":true,"ids":["{{Id}}"]}""", 400)]
    public async Task A_bad_request_is_answered_with_a_problem(string method, string path, string? body, int status) =>
        await (await own.Client.SendJsonAsync(method, $"/dead-letters{path}", body)).AssertProblemAsync(
            (HttpStatusCode)status
        );
}
