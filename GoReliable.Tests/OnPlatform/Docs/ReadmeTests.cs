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
        // Each comment in it begins a stop.
        var stops = tour[0].Split("\n\n");
        var settings = await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken);
        var ran = await DocumentedCommands.RunAsync(shared.Platform, stops);

        Assert.Equal(settings, await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken));
        Assert.Contains(
            "\"status\":\"pending\"",
            ran.OutputOf("An order, for a customer with an address"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "\"channel\":\"email\"",
            ran.OutputOf("What was sent about her newest order"),
            StringComparison.Ordinal
        );
        Assert.Single(
            OrderIds()
                .Matches(ran.OutputOf("The same request twice, but only one order"))
                .Select(id => id.Value)
                .Distinct()
        );
        Assert.Equal(2, OrderIds().Count(ran.OutputOf("The same request twice, but only one order")));
        Assert.Matches("\"status\":400.*\"traceId\":\"[0-9a-f]{32}\"", ran.OutputOf("A mistake"));
        Assert.Matches(
            "http_requests_total\\{method=\"POST\",route=\"/api/v1/orders\",status_code=\"201\"} [1-9]",
            ran.OutputOf("What the gateway measured")
        );
        Assert.Contains(
            "{\"status\":\"Healthy\"",
            ran.OutputOf("What each service is waiting for"),
            StringComparison.Ordinal
        );
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
}
