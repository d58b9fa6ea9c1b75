using GoReliable.Notifications.Delivery;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class WaitingRoomTests
{
    private readonly FakeTimeProvider time = new();
    private readonly WaitingRoom<int> room;

    public WaitingRoomTests() => room = new(time);

    [Fact]
    public void A_few_begin_and_the_others_wait_for_their_turn_in_their_order()
    {
        for (var i = 0; i < 32; i++)
            Assert.Equal(Admission.Begins, room.Enter($"r{i}", i));
        for (var i = 32; i < 132; i++)
            Assert.Equal(Admission.Waits, room.Enter($"r{i}", i));

        for (var i = 0; i < 100; i++)
        {
            Assert.True(room.Leave($"r{i}", out var next));
            Assert.Equal(32 + i, next.Waiting);
        }
        Assert.False(room.Leave("r100", out _));
    }

    [Fact]
    public void One_recipient_has_at_most_two_deliveries_and_blocks_no_other()
    {
        Assert.Equal([Admission.Begins, Admission.Begins, Admission.Waits], Enter("a", "A", "a"));
        Assert.Equal([Admission.Begins, Admission.Begins, Admission.Waits], Enter("b", "b", "b"));

        Assert.True(room.Leave("B", out var next));
        Assert.Equal("b", next.Recipient);
        Assert.True(room.Leave("a", out next));
        Assert.Equal("a", next.Recipient);
    }

    [Fact]
    public void A_full_room_that_moves_is_waited_for_and_a_stuck_one_defers()
    {
        for (var i = 0; i < 132; i++)
            room.Enter($"r{i}", i);
        Assert.Equal([Admission.TryAgain], Enter("late"));

        // As many as may be under way, within five seconds: the server is well.
        for (var i = 0; i < 100; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(150));
            room.Leave($"r{i}", out _);
            Assert.Equal([Admission.Waits], Enter($"more{i}"));
        }
        Assert.Equal([Admission.TryAgain], Enter("late"));

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([Admission.Defer], Enter("late"));
    }

    [Fact]
    public void A_full_room_is_not_kept_full_by_one_recipient()
    {
        for (var i = 0; i < 102; i++)
            room.Enter("hangs", i);

        Assert.Equal([Admission.Defer], Enter("hangs"));
        for (var i = 0; i < 30; i++)
            Assert.Equal([Admission.Begins], Enter($"other{i}"));
        Assert.Equal([Admission.TryAgain], Enter("other"));
        Assert.False(room.Leave("other1", out _));
        Assert.Equal([Admission.Begins], Enter("other"));
    }

    [Fact]
    public void What_has_waited_ten_minutes_does_not_wait_for_another_delivery()
    {
        Enter("hangs", "hangs");
        for (var i = 0; i < 3; i++)
        {
            room.Enter("hangs", i);
            time.Advance(TimeSpan.FromMinutes(4));
        }

        Assert.Equal([0], room.RemoveLate());
        Assert.Empty(room.RemoveLate());
        Assert.True(room.Leave("hangs", out var next));
        Assert.Equal(1, next.Waiting);

        time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal([2], room.RemoveLate());
        Assert.False(room.Leave("hangs", out _));
        Assert.False(room.Leave("hangs", out _));
        Assert.Equal([Admission.Begins, Admission.Begins, Admission.Waits], Enter("hangs", "hangs", "hangs"));
    }

    [Fact]
    public void A_room_that_was_emptied_starts_nothing()
    {
        for (var i = 0; i < 40; i++)
            room.Enter("a", i);

        Assert.Equal(Enumerable.Range(2, 38), room.RemoveWaiting());
        Assert.False(room.Leave("a", out _));
        Assert.False(room.Leave("a", out _));
        Assert.Equal([Admission.Begins, Admission.Begins, Admission.Waits], Enter("a", "a", "a"));
    }

    private List<Admission> Enter(params string[] recipients) =>
        [.. recipients.Select(recipient => room.Enter(recipient, -1))];
}
