using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The tour in README.md.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class ReadmeTests(SharedPlatform shared)
{
    // `dotnet user-jwts` writes into it whom tokens are for, so it says that already, letter for letter.
    private static readonly string SettingsOfTokens = Path.Combine(
        AppHostRun.Repository,
        "GoReliable.AppHost",
        "appsettings.Development.json"
    );

    [Fact]
    public async Task The_tour_shows_what_it_promises()
    {
        var tour = MarkdownDocument.Read("README.md").Blocks("sh", "<!-- tour: run by a test, in this order -->");
        var settings = await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken);
        var ran = await DocumentedCommands.RunAsync(shared.Platform, tour);

        Assert.Equal(settings, await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken));
        Assert.Contains("\"status\":\"pending\"", ran.OutputOf("book-1"), StringComparison.Ordinal);
        Assert.Contains("\"channel\":\"email\"", ran.OutputOf("limit=1"), StringComparison.Ordinal);
        Assert.Single(OrderIds().Matches(ran.OutputOf("book-2")).Select(id => id.Value).Distinct());
        Assert.Equal(2, OrderIds().Count(ran.OutputOf("book-2")));
        Assert.Matches("\"status\":400.*\"traceId\":\"[0-9a-f]{32}\"", ran.OutputOf("EURO\""));
        Assert.Matches(
            "http_requests_total\\{method=\"POST\",route=\"/api/v1/orders\",status_code=\"201\"} [1-9]",
            ran.OutputOf("http_requests_total")
        );
        Assert.Equal(3, Healthy().Count(ran.OutputOf("health/ready")));
    }

    [Fact]
    public void The_token_command_that_run_prints_is_the_one_of_the_tour()
    {
        var printed = Assert.Single(File.ReadLines(Path.Combine(AppHostRun.Repository, "run")), line =>
            line.StartsWith("token=", StringComparison.Ordinal)
        );

        Assert.Contains(
            printed,
            File.ReadAllText(Path.Combine(AppHostRun.Repository, "README.md"))
                .Replace("\\\n  ", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [GeneratedRegex("\"id\":\"[^\"]*\"")]
    private static partial Regex OrderIds();

    [GeneratedRegex("^{\"status\":\"Healthy\"", RegexOptions.Multiline)]
    private static partial Regex Healthy();
}
