using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>Background work goes on after a failure, and says once why it failed.</summary>
public sealed class RepeatedWorkTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider time = new();

    [Fact]
    public async Task The_same_reason_is_logged_once()
    {
        using var work = new Work(time, ["the broker is away", "the broker is away", "the broker is away"]);

        Assert.Equal(["the broker is away"], await RunAllAsync(work));
    }

    [Fact]
    public async Task Another_reason_is_logged_too()
    {
        using var work = new Work(time, ["the broker is away", "the password is wrong", "the broker is away"]);

        Assert.Equal(["the broker is away", "the password is wrong", "the broker is away"], await RunAllAsync(work));
    }

    [Fact]
    public async Task The_same_reason_is_logged_again_after_success()
    {
        using var work = new Work(time, ["the broker is away", null, "the broker is away"]);

        Assert.Equal(["the broker is away", "the broker is away"], await RunAllAsync(work));
    }

    [Fact]
    public async Task Work_that_is_stopped_reports_nothing()
    {
        using var work = new Work(time, []);
        await work.StartAsync(TestContext.Current.CancellationToken);

        await work.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(work.ExecuteTask!.IsCanceled);
        Assert.Empty(work.Logged);
    }

    private async Task<List<string>> RunAllAsync(Work work)
    {
        await work.StartAsync(TestContext.Current.CancellationToken);
        await Poll.UntilAsync(
            "all runs",
            () =>
            {
                time.Advance(Pause);
                return Task.FromResult(work.IsDone);
            },
            isDone => isDone
        );
        await work.StopAsync(TestContext.Current.CancellationToken);
        return work.Logged;
    }

    /// <summary>Fails for these reasons, one after the other, and succeeds where there is none; then it waits.</summary>
    private sealed class Work(TimeProvider time, string?[] reasons) : RepeatedWork(Pause, time)
    {
        private int runs;

        public List<string> Logged { get; } = [];

        public bool IsDone { get; private set; }

        protected override void LogFailure(string reason) => Logged.Add(reason);

        protected override Task RunAsync(CancellationToken stoppingToken)
        {
            if (runs == reasons.Length)
            {
                IsDone = true;
                return Task.Delay(Timeout.Infinite, stoppingToken);
            }
            return reasons[runs++] is { } reason
                ? Task.FromException(new InvalidOperationException(reason))
                : Task.CompletedTask;
        }
    }
}
