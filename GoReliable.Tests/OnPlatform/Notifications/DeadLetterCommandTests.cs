using System.Diagnostics;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Dead letters by the command line; its answers to somebody without a token are EraseCommandTests'.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeadLetterCommandTests(DeadLetterOperator own) : IClassFixture<DeadLetterOperator>, IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await own.CleanAsync();

    [Fact]
    public async Task Letters_are_listed()
    {
        var ids = await own.GiveUpAsync(3);

        var (exitCode, all, _) = await own.RunAsync("list --limit 1000");
        var (_, first, _) = await own.RunAsync("list --limit 2");
        var (_, json, _) = await own.RunAsync("list --json --limit 1000");

        Assert.Equal(0, exitCode);
        Assert.All(ids, id =>
            Assert.Contains(
                $"{id}  order.created    {DeadLetterOperator.Reason, -17}      0  {DateTime.UtcNow:yyyy}",
                all,
                StringComparison.Ordinal
            )
        );
        Assert.Contains("The first 2; there are more", first, StringComparison.Ordinal);
        Assert.Contains(ApiAnswers.Parse<DeadLetterAnswer[]>(json), letter => letter.Id == ids[0]);
    }

    [Fact]
    public async Task A_letter_is_shown_and_redriven()
    {
        var id = (await own.GiveUpAsync(1))[0];

        Assert.Contains("customerId", (await own.RunAsync($"show {id}")).Output, StringComparison.Ordinal);
        Assert.Equal((0, "1 redriven.\n", ""), await own.RunAsync($"redrive {id}"));

        await own.WaitUntilNotifiedAsync(id);
    }

    [Fact]
    public async Task Redriving_all_ends_although_each_letter_comes_back()
    {
        // As the worker gives up what it cannot send, so that they are selected again when they come back.
        await own.RunAsync("discard --all --reason rejected --yes");
        var ids = await own.GiveUpAsync(3, "rejected", contactEmail: Odd.NoAddress);

        Assert.Equal((0, "3 redriven.\n", ""), await own.RunAsync("redrive --all --reason rejected"));

        foreach (var id in ids)
            await Poll.UntilAsync("the letter back", () => own.FindAsync(id), found => found.Letter.Redriven == 1);
        Assert.Equal((0, "3 discarded.\n", ""), await own.RunAsync("discard --all --reason rejected --yes"));
        Assert.Equal(0, await own.NotifiedAsync(ids));
    }

    [Fact]
    public async Task Letters_are_redriven_no_faster_than_asked_for()
    {
        var ids = await own.GiveUpAsync(5);
        var begun = Stopwatch.GetTimestamp();

        Assert.Equal(
            (0, "5 redriven.\n", ""),
            await own.RunAsync($"redrive --all --reason {DeadLetterOperator.Reason} --rate 4")
        );

        // Four pauses of a quarter of a second.
        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.FromSeconds(1), TimeSpan.MaxValue);
        await own.WaitUntilNotifiedAsync(ids);
    }

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
}
