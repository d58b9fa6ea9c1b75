using System.Diagnostics;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Dead letters by the command line.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterCommandTests(DeadLetterPlatform own) : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await own.EmptyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_letter_is_redriven()
    {
        var message = await own.GiveUpAsync();
        message.Unblock();

        Assert.Equal((0, "1 redriven.\n"), await own.RunAsync($"redrive {message.Id}"));

        await Poll.UntilAsync("the notification", () => own.NotifiedAsync(message.Id), count => count == 1);
    }

    [Fact]
    public async Task Redriving_all_ends_although_each_letter_comes_back()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => own.GiveUpAsync()));

        Assert.Equal((0, "3 redriven.\n"), await own.RunAsync("redrive --all"));

        foreach (var message in messages)
            await Poll.UntilAsync(
                "the letter back",
                () => own.FindAsync(message.Id),
                found => found.Letter.Redriven == 1
            );
        Assert.Equal((0, "3 discarded.\n"), await own.RunAsync("discard --all --yes"));
        Assert.Equal(0, await own.NotifiedAsync([.. messages.Select(message => message.Id)]));
    }

    [Fact]
    public async Task Letters_are_redriven_no_faster_than_asked_for()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => own.GiveUpAsync()));
        foreach (var message in messages)
            message.Unblock();
        var begun = Stopwatch.GetTimestamp();

        Assert.Equal((0, "10 redriven.\n"), await own.RunAsync("redrive --all --rate 4"));

        // Nine pauses of a quarter of a second.
        Assert.True(
            Stopwatch.GetElapsedTime(begun) >= TimeSpan.FromSeconds(2),
            $"Ten letters at four a second took {Stopwatch.GetElapsedTime(begun)}."
        );
        await Poll.UntilAsync(
            "ten notifications",
            () => own.NotifiedAsync([.. messages.Select(message => message.Id)]),
            count => count == 10
        );
    }

    [Fact]
    public async Task Without_a_token_the_command_says_how_to_give_one()
    {
        var unknown = await own.CommandAsync("list", scopes: null);

        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("--token, or GORELIABLE_TOKEN", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_scope_the_command_says_which_one_is_missing()
    {
        var customer = await own.CommandAsync("list", scopes: TokenIssuer.CustomerScopes);

        Assert.Equal(1, customer.ExitCode);
        Assert.Contains("lacks the scope notifications:operate", customer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_worker_listens_the_command_says_that_it_was_refused()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var nobody = $"http://127.0.0.1:{ServiceProcess.FreePort()}";

        Assert.Equal(
            1,
            await DeadLetterCommand.RunAsync(
                ["list", "--url", nobody],
                TextReader.Null,
                output,
                error,
                TestContext.Current.CancellationToken
            )
        );
        Assert.Contains("refused", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "Name a command.")]
    [InlineData("lst", "There is no command 'lst'.")]
    [InlineData("show", "show takes one id.")]
    [InlineData("redrive", "redrive takes ids, or --all.")]
    [InlineData("redrive --all 0195f1a0-0000-7000-8000-000000000001", "redrive takes ids, or --all.")]
    [InlineData("redrive x", "'x' is not an id.")]
    [InlineData("list --limit", "--limit needs a value.")]
    [InlineData("redrive --all --rate 0", "'0' is not a number above 0.")]
    [InlineData("list --url localhost", "'localhost' is not an address such as http://localhost:9103.")]
    [InlineData("list --fast", "There is no option '--fast'.")]
    public void Misuse_is_explained(string arguments, string explained) =>
        Assert.Equal(
            explained,
            Assert
                .Throws<FormatException>(() =>
                    CommandLine.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), _ => null)
                )
                .Message
        );

    [Fact]
    public async Task The_script_returns_the_commands_exit_code()
    {
        using var command = Process.Start(
            new ProcessStartInfo("bash", [Path.Combine(AppHostRun.Repository, "dead-letters"), "lst"])
            {
                RedirectStandardError = true,
            }
        )!;
        var error = await command.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await command.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, command.ExitCode);
        Assert.StartsWith("There is no command 'lst'.", error, StringComparison.Ordinal);
    }

    [Fact]
    public void In_the_workers_container_the_command_finds_the_management_port() =>
        Assert.Equal(
            new Uri("http://localhost:9464"),
            CommandLine.Parse(["list"], name => name == "MANAGEMENT_PORT" ? "9464" : null).Url
        );
}
