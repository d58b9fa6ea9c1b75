using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The steps of docs/first-hour.md from the first order to the metrics.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class FirstHourTests(SharedPlatform shared)
{
    [Fact]
    public async Task The_steps_show_what_they_promise()
    {
        var steps = MarkdownDocument
            .Read("docs/first-hour.md")
            .Blocks("sh", "<!-- steps 2 to 4: run by a test, in this order -->", "<!-- until here -->");
        var ran = await DocumentedCommands.RunAsync(shared.Platform, steps);

        Assert.Contains("HTTP/1.1 201 Created", ran.OutputOf("answer="), StringComparison.Ordinal);
        Assert.Contains("\"channel\":\"email\"", ran.OutputOf("/notifications"), StringComparison.Ordinal);
        Assert.Single(OrderIds().Matches(ran.OutputOf("book-2")).Select(id => id.Value).Distinct());
        Assert.Equal(2, OrderIds().Count(ran.OutputOf("book-2")));
        Assert.Matches("\"status\":400.*\"traceId\":\"[0-9a-f]{32}\"", ran.OutputOf("EURO\""));
        Assert.Matches("/traces/detail/[0-9a-f]{32}\n", ran.OutputOf("/traces/detail/"));
        Assert.Matches(
            "http_requests_total\\{method=\"POST\",route=\"/api/v1/orders\",status_code=\"201\"} [1-9]",
            ran.OutputOf("http_requests_total")
        );
        Assert.Equal(3, Healthy().Count(ran.OutputOf("health/ready")));
    }

    [GeneratedRegex("\"id\":\"[^\"]*\"")]
    private static partial Regex OrderIds();

    [GeneratedRegex("^{\"status\":\"Healthy\"", RegexOptions.Multiline)]
    private static partial Regex Healthy();
}
