using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>Background work goes on after a failure, and says once why it failed.</summary>
public sealed class RepeatedWorkTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider time = new();

    [Theory]
    [InlineData("away away away", "away")]
    [InlineData("away refused away", "away refused away")]
    [InlineData("away success away", "away away")]
    public async Task A_reason_is_logged_once_and_again_after_another_or_after_success(string outcomes, string logged)
    {
        using var work = new Work(time, outcomes.Split(' '));
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

        Assert.Equal(logged, string.Join(' ', work.Logged));
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

    /// <summary>Succeeds or fails for these reasons, one after the other; then it waits.</summary>
    private sealed class Work(TimeProvider time, string[] outcomes) : RepeatedWork(Pause, time)
    {
        private int runs;

        public List<string> Logged { get; } = [];

        public bool IsDone { get; private set; }

        protected override void LogFailure(string reason) => Logged.Add(reason);

        protected override Task RunAsync(CancellationToken stoppingToken)
        {
            if (runs == outcomes.Length)
            {
                IsDone = true;
                return Task.Delay(Timeout.Infinite, stoppingToken);
            }
            return outcomes[runs++] is var outcome and not "success"
                ? Task.FromException(new InvalidOperationException(outcome))
                : Task.CompletedTask;
        }
    }
}
