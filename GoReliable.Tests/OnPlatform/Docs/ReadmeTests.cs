using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The tour in README.md, which stops the broker and starts it again.</summary>
[Collection(RestartablePlatform.Name)]
public sealed partial class ReadmeTests(RestartablePlatform restartable) : IAsyncDisposable
{
    // `dotnet user-jwts` writes into it whom tokens are for, so it says that already, letter for letter.
    private static readonly string SettingsOfTokens = Path.Combine(
        AppHostRun.Repository,
        "GoReliable.AppHost",
        "appsettings.Development.json"
    );

    private readonly GoReliablePlatform platform = restartable.Platform;

    public async ValueTask DisposeAsync() => await restartable.ReviveAsync();

    [Fact]
    public async Task The_tour_shows_what_it_promises()
    {
        var tour = MarkdownDocument.Read("README.md").Blocks("sh", "<!-- tour: run by a test, in this order -->");
        Assert.Equal(4, tour.Count);
        var settings = await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken);
        await restartable.CalmAsync();

        var first = await DocumentedCommands.RunAsync(platform, [$"{tour[0]}\necho \"$token\"", tour[1]]);
        var token = $"token={first.OutputOf("user-jwts").Trim()}";
        await platform.StopAsync("messaging");
        var without = await DocumentedCommands.RunAsync(platform, [token, tour[2]]);
        await platform.StartAsync("messaging");
        var again = await DocumentedCommands.RunAsync(platform, [token, tour[3]]);

        Assert.Equal(settings, await File.ReadAllTextAsync(SettingsOfTokens, TestContext.Current.CancellationToken));
        Assert.Contains("\"status\":\"pending\"", first.OutputOf("book-1"), StringComparison.Ordinal);
        Assert.Equal(5, Created().Count(without.OutputOf("seq 5")));
        Assert.Contains("\"channel\":\"email\"", again.OutputOf("limit=1"), StringComparison.Ordinal);
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
