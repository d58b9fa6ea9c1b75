using System.Net;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Dead letters are thrown away, by the API and by the command line.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DiscardTests(DeadLetterPlatform own) : IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await own.EmptyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_letter_without_an_event_can_be_discarded()
    {
        var letter = await PoisonAsync();

        await own.DiscardAsync(letter);

        await (await own.Operator.DeleteAsync($"/dead-letters/{letter}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
    }

    [Fact]
    public async Task Discarding_is_logged()
    {
        var letter = await PoisonAsync();

        await own.DiscardAsync(letter);

        await own.Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.discarded" && (string?)log["DeadLetterId"] == $"{letter}",
            Cancel
        );
    }

    [Fact]
    public async Task Letters_are_discarded_by_their_ids()
    {
        var ids = await GiveUpAsync(3);

        Assert.Equal(new BulkAnswer(Done: 2, Remaining: 0), await own.BulkAsync("discard", new { ids = ids[..2] }));

        Assert.Equal([ids[2]], (await own.PageAsync()).Items.Select(letter => letter.Id));
        Assert.Equal(0, await own.NotifiedAsync(ids));
    }

    [Fact]
    public async Task All_letters_are_discarded_at_once()
    {
        var ids = await GiveUpAsync(2);

        Assert.Equal(new BulkAnswer(Done: 2, Remaining: 0), await own.BulkAsync("discard", new { all = true }));

        Assert.Empty((await own.PageAsync()).Items);
        Assert.Equal(0, await own.NotifiedAsync(ids));
    }

    [Fact]
    public async Task The_command_discards_only_after_yes()
    {
        var letter = (await GiveUpAsync(1))[0];

        Assert.Equal(1, (await own.CommandAsync($"discard {letter}", answer: "n\n")).ExitCode);
        Assert.Equal((0, "1 discarded.\n"), await own.RunAsync($"discard {letter}", answer: "y\n"));
    }

    [Fact]
    public async Task The_command_says_which_letter_is_not_there()
    {
        var nothing = Guid.CreateVersion7();

        var (exitCode, output, error) = await own.CommandAsync($"discard {nothing} --yes");

        Assert.Equal((1, "0 discarded, 1 not.\n"), (exitCode, output.ReplaceLineEndings("\n")));
        Assert.Contains($"There is no dead letter {nothing}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_discards_only_letters_of_the_reason()
    {
        var ids = await GiveUpAsync(1);

        Assert.Equal((0, "0 discarded.\n"), await own.RunAsync("discard --all --reason unreadable --yes"));

        Assert.Equal(ids, (await own.PageAsync()).Items.Select(letter => letter.Id));
    }

    private async Task<Guid[]> GiveUpAsync(int count) =>
        [.. (await Task.WhenAll(Enumerable.Range(0, count).Select(_ => own.GiveUpAsync()))).Select(sent => sent.Id)];

    // The dead letter of a message without an event.
    private async Task<Guid> PoisonAsync()
    {
        var poison = await TestEvent.PublishAsync(own.Platform, poison: true);
        return (await own.FindByMessageAsync($"{poison.Id}")).Id;
    }
}
