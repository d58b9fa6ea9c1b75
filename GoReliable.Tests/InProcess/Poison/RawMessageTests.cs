using System.Buffers.Binary;
using System.Text;
using GoReliable.Notifications.Messages;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Poison;

public sealed class RawMessageTests
{
    // Headers, and a message id.
    private const byte Headers = 0x20,
        MessageId = 0x80;

    [Theory]
    [InlineData(900, null)]
    // As deep as one frame has room for: more than the stack of a thread has.
    [InlineData(26_000, "undecodable")]
    public void Headers_are_decoded_only_to_a_safe_depth(int depth, string? reason)
    {
        var (message, problem) = Decode(Nested(depth), Encoding.UTF8.GetBytes(Events.Created));

        Assert.Equal(reason, problem?.Reason);
        Assert.Equal("m1", message.Properties.MessageId);
        Assert.Equal("order.created", message.EventType);
    }

    [Fact]
    public void Truncated_properties_count_as_none()
    {
        var (message, problem) = Decode(Nested(10)[..20], []);

        Assert.Equal("undecodable", problem?.Reason);
        Assert.Null(message.Properties.MessageId);
    }

    // 200 messages that the broker sends ahead must fit into the memory of a small container.
    [Theory]
    [InlineData(128 * 1024, null)]
    [InlineData(128 * 1024 + 1, "too_large")]
    public void A_body_is_taken_up_to_128_KiB(int bytes, string? reason) =>
        Assert.Equal(reason, Decode([0, 0], new byte[bytes]).Problem?.Reason);

    // In the worker's own queue any publisher may have written the header.
    [Theory]
    [InlineData(true, "unknown")]
    [InlineData(false, "order.created")]
    public void A_dead_letter_that_ended_the_worker_is_not_read_and_a_message_with_its_header_is(
        bool isDeadLetter,
        string eventType
    )
    {
        var (message, problem) = Decode(
            [Headers, 0, 0, 0, 0, 24, 13, .. "x-dead-reason"u8, (byte)'S', 0, 0, 0, 5, .. "fatal"u8],
            Encoding.UTF8.GetBytes(Events.Created),
            isDeadLetter
        );

        Assert.Null(problem);
        Assert.Equal("fatal", message.Header(MessageHeaders.DeadReason));
        Assert.Equal(eventType, message.EventType);
    }

    private static (Message Message, Failure? Problem) Decode(
        byte[] properties,
        byte[] body,
        bool isDeadLetter = false
    ) => new RawMessage(1, Redelivered: true, "", "notifications", properties, body).Decode(isDeadLetter);

    private static byte[] Nested(int depth)
    {
        var bytes = new List<byte> { Headers, MessageId };
        Add(2 + 5 * depth);
        bytes.AddRange([1, (byte)'a']);
        for (var inner = depth - 1; inner >= 0; inner--)
        {
            bytes.Add((byte)'A');
            Add(5 * inner);
        }
        bytes.AddRange([2, (byte)'m', (byte)'1']);
        return [.. bytes];

        void Add(int length)
        {
            var number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, length);
            bytes.AddRange(number);
        }
    }
}
