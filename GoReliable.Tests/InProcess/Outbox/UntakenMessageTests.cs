using GoReliable.Orders.Outbox;

namespace GoReliable.Tests.InProcess.Outbox;

/// <summary>How often the relay tries an event that the broker does not take, and how long it waits in between.</summary>
public sealed class UntakenMessageTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(3, 8)]
    [InlineData(4, null)]
    public void An_event_that_fails_has_five_attempts(int before, int? seconds) =>
        Assert.Equal(Seconds(seconds), After(PublishKind.Failed, before).Pause);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 1)]
    [InlineData(6, 2)]
    [InlineData(1_000_000, 60)]
    public void A_full_queue_is_tried_for_ever(int before, int seconds) =>
        Assert.Equal(Seconds(seconds), After(PublishKind.Refused, before).Pause);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(20)]
    public void An_event_that_was_refused_has_all_its_attempts_when_it_fails(int times)
    {
        var refused = 0;
        for (var i = 0; i < times; i++)
            refused = After(PublishKind.Refused, refused).Attempts;

        var failed = After(PublishKind.Failed, refused);

        Assert.Equal((1, Seconds(1)), (failed.Attempts, failed.Pause));
    }

    private static TimeSpan? Seconds(int? seconds) => seconds is { } some ? TimeSpan.FromSeconds(some) : null;

    private static UntakenMessage After(PublishKind kind, int before) =>
        UntakenMessage.Of(
            new(1, Guid.Empty, Guid.Empty, "order.created", [], null, null, Attempts: before, IsSetAside: before > 0),
            new(kind, "reason")
        );
}
