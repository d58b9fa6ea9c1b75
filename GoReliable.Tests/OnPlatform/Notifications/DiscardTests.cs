using System.Net;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Dead letters are thrown away, by the API and by the command line.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DiscardTests(DeadLetterOperator own) : IClassFixture<DeadLetterOperator>, IAsyncDisposable
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await own.CleanAsync();

    [Fact]
    public async Task A_letter_without_an_event_can_be_discarded_and_that_is_logged()
    {
        var poison = await TestEvent.PublishAsync(own.Platform, poison: true);
        var letter = (await own.FindByMessageAsync($"{poison.Id}")).Id;

        await own.DiscardAsync(letter);

        using var gone = await own.Client.GetAsync($"/dead-letters/{letter}", Cancel);
        await gone.AssertProblemAsync(HttpStatusCode.NotFound);
        await own.Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.discarded" && (string?)log["DeadLetterId"] == $"{letter}",
            Cancel
        );
    }

    [Fact]
    public async Task Letters_are_discarded_by_their_ids()
    {
        var ids = await own.GiveUpAsync(3);

        Assert.Equal(new BulkAnswer(Done: 2, Remaining: 0), await own.BulkAsync("discard", new { ids = ids[..2] }));

        Assert.Equal(new BulkAnswer(Done: 1, Remaining: 0), await own.BulkAsync("discard", new { ids }));
        Assert.Equal(0, await own.NotifiedAsync(ids));
    }

    [Fact]
    public async Task The_command_discards_only_after_yes()
    {
        var letter = (await own.GiveUpAsync(1))[0];

        Assert.Equal(1, (await own.RunAsync($"discard {letter}", answer: "n\n")).ExitCode);
        var (exitCode, output, _) = await own.RunAsync($"discard {letter}", answer: "y\n");

        Assert.Equal((0, "1 discarded.\n"), (exitCode, output));
    }

    [Fact]
    public async Task The_command_says_which_letter_is_not_there()
    {
        var nothing = Guid.CreateVersion7();

        var (exitCode, output, error) = await own.RunAsync($"discard {nothing} --yes");

        Assert.Equal((1, "0 discarded, 1 not.\n"), (exitCode, output));
        Assert.Contains($"There is no dead letter {nothing}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_discards_only_letters_of_the_reason()
    {
        var letter = (await own.GiveUpAsync(1))[0];

        Assert.Equal((0, "0 discarded.\n", ""), await own.RunAsync("discard --all --reason another --yes"));

        await own.DiscardAsync(letter);
    }
}
