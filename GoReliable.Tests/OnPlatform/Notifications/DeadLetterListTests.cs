using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Lists of dead letters, by the API and by the command line.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterListTests(DeadLetterPlatform own, DeadLetterListTests.ThreeLetters letters)
    : IClassFixture<DeadLetterListTests.ThreeLetters>
{
    [Fact]
    public async Task Pages_have_every_letter_once()
    {
        var first = await own.PageAsync("?limit=2");
        var second = await own.PageAsync($"?limit=2&cursor={first.NextCursor}");

        Assert.Equal((2, 1), (first.Items.Length, second.Items.Length));
        Assert.Null(second.NextCursor);
        Assert.Equal(letters.Ids.Order(), first.Items.Concat(second.Items).Select(letter => letter.Id).Order());
    }

    [Fact]
    public async Task The_command_lists_every_letter()
    {
        var list = await own.CommandAsync("list");

        Assert.Equal(0, list.ExitCode);
        Assert.All(letters.Ids, id =>
            Assert.Contains(
                $"{id}  order.created    retries_exhausted      2  {DateTime.UtcNow:yyyy}",
                list.Output,
                StringComparison.Ordinal
            )
        );
    }

    [Fact]
    public async Task The_command_says_that_there_are_more() =>
        Assert.Contains(
            "The first 2; there are more",
            (await own.CommandAsync("list --limit 2")).Output,
            StringComparison.Ordinal
        );

    [Fact]
    public async Task The_command_lists_letters_as_JSON()
    {
        var listed = ApiAnswers.Parse<DeadLetterAnswer[]>((await own.CommandAsync("list --json")).Output);

        Assert.Contains(listed, letter => letter.Id == letters.Ids[0]);
    }

    [Fact]
    public async Task The_command_shows_a_letter() =>
        Assert.Contains(
            "test-event@example.com",
            (await own.CommandAsync($"show {letters.Ids[0]}")).Output,
            StringComparison.Ordinal
        );

    /// <summary>All that there are.</summary>
    public sealed class ThreeLetters(DeadLetterPlatform own) : IAsyncLifetime
    {
        public IReadOnlyList<Guid> Ids { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            await own.EmptyAsync();
            Ids =
            [
                .. (await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => own.GiveUpAsync()))).Select(message =>
                    message.Id
                ),
            ];
        }

        public async ValueTask DisposeAsync() => await own.EmptyAsync();
    }
}
