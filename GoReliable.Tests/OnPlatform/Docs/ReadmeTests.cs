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
        Assert.Equal(5, Created().Count(ran.OutputOf("seq 5")));
        Assert.Contains("\"channel\":\"email\"", ran.OutputOf("limit=1"), StringComparison.Ordinal);
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

    [GeneratedRegex("^201$", RegexOptions.Multiline)]
    private static partial Regex Created();
}
