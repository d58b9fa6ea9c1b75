using System.Diagnostics;
using System.Text.Json;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>The same by the command line.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterCommandTests(DeadLetterPlatform own) : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await own.EmptyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Letters_are_listed_shown_redriven_and_discarded()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => own.GiveUpAsync()));
        var (first, second, third) = (messages[0], messages[1], messages[2]);

        var list = await own.CommandAsync("list");
        Assert.Equal(0, list.ExitCode);
        Assert.All(messages, message =>
            Assert.Contains(
                $"{message.Id}  order.created    retries_exhausted      2  {DateTime.UtcNow:yyyy}",
                list.Output,
                StringComparison.Ordinal
            )
        );
        Assert.Contains(
            "The first 2; there are more",
            (await own.CommandAsync("list --limit 2")).Output,
            StringComparison.Ordinal
        );
        var json = JsonElement.Parse((await own.CommandAsync("list --json")).Output).EnumerateArray().ToList();
        Assert.Contains(json, letter => letter.GetProperty("id").GetGuid() == first.Id);
        Assert.Contains(
            "test-event@example.com",
            (await own.CommandAsync($"show {first.Id}")).Output,
            StringComparison.Ordinal
        );

        first.Unblock();
        Assert.Equal((0, "1 redriven.\n"), Result(await own.CommandAsync($"redrive {first.Id}")));
        await Poll.UntilAsync("the notification", () => own.NotifiedAsync(first.Id), count => count == 1);

        Assert.Equal(1, (await own.CommandAsync($"discard {second.Id}", answer: "n\n")).ExitCode);
        Assert.Equal((0, "1 discarded.\n"), Result(await own.CommandAsync($"discard {second.Id}", answer: "y\n")));
        var gone = await own.CommandAsync($"discard {second.Id} --yes");
        Assert.Equal((1, "0 discarded, 1 not.\n"), Result(gone));
        Assert.Contains($"There is no dead letter {second.Id}", gone.Error, StringComparison.Ordinal);

        third.Unblock();
        Assert.Equal(0, (await own.CommandAsync("redrive --all --rate 5")).ExitCode);
        await Poll.UntilAsync("the notification", () => own.NotifiedAsync(third.Id), count => count == 1);
        Assert.Equal((0, "0 discarded.\n"), Result(await own.CommandAsync("discard --all --reason unreadable --yes")));
    }

    [Fact]
    public async Task Redriving_all_ends_although_each_letter_comes_back()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => own.GiveUpAsync()));

        Assert.Equal((0, "3 redriven.\n"), Result(await own.CommandAsync("redrive --all")));

        foreach (var message in messages)
            await Poll.UntilAsync(
                "the letter back",
                () => own.FindAsync(message.Id),
                found => found.GetProperty("letter").GetProperty("redriven").GetInt32() == 1
            );
        Assert.Equal((0, "3 discarded.\n"), Result(await own.CommandAsync("discard --all --yes")));
        Assert.Equal(0, await own.NotifiedAsync([.. messages.Select(message => message.Id)]));
    }

    [Fact]
    public async Task Letters_are_redriven_no_faster_than_asked_for()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => own.GiveUpAsync()));
        foreach (var message in messages)
            message.Unblock();
        var begun = Stopwatch.GetTimestamp();

        Assert.Equal((0, "10 redriven.\n"), Result(await own.CommandAsync("redrive --all --rate 4")));

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
    public async Task Letters_are_listed_in_pages_and_discarded_by_their_ids_or_all_at_once()
    {
        var ids = (await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => own.GiveUpAsync())))
            .Select(message => message.Id)
            .ToArray();

        var first = await own.Operator.GetJsonAsync("/dead-letters?limit=2");
        var second = await own.Operator.GetJsonAsync(
            $"/dead-letters?limit=2&cursor={first.GetProperty("nextCursor").GetString()}"
        );
        Assert.Equal((2, 1), (Ids(first).Count, Ids(second).Count));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("nextCursor").ValueKind);
        Assert.Equal(ids.Order(), Ids(first).Concat(Ids(second)).Order());

        Assert.Equal((2, 0), await DiscardAsync(new { ids = ids[..2] }));
        Assert.Equal([ids[2]], Ids(await own.Operator.GetJsonAsync("/dead-letters")));
        Assert.Equal((1, 0), await DiscardAsync(new { all = true }));
        Assert.Empty(Ids(await own.Operator.GetJsonAsync("/dead-letters")));
        Assert.Equal(0, await own.NotifiedAsync(ids));
    }

    [Fact]
    public async Task The_command_says_in_words_why_it_failed()
    {
        var unknown = await own.CommandAsync("list", scopes: null);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("--token, or GORELIABLE_TOKEN", unknown.Error, StringComparison.Ordinal);
        var customer = await own.CommandAsync("list", scopes: TokenIssuer.CustomerScopes);
        Assert.Equal(1, customer.ExitCode);
        Assert.Contains("lacks the scope notifications:operate", customer.Error, StringComparison.Ordinal);

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

    private static List<Guid> Ids(JsonElement page) =>
        [.. page.GetProperty("items").EnumerateArray().Select(letter => letter.GetProperty("id").GetGuid())];

    private async Task<(int Done, int Remaining)> DiscardAsync(object selection)
    {
        using var response = await own.PostAsync("/dead-letters/discard", selection);
        var result = await response.JsonAsync();
        return (result.GetProperty("done").GetInt32(), result.GetProperty("remaining").GetInt32());
    }

    private static (int ExitCode, string Output) Result((int ExitCode, string Output, string Error) run) =>
        (run.ExitCode, run.Output.ReplaceLineEndings("\n"));
}
