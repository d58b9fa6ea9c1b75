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
        var (message, obstacle) = new RawMessage(
            1,
            Redelivered: true,
            "",
            "notifications",
            Nested(depth),
            Encoding.UTF8.GetBytes(Events.Created)
        ).Decode();

        Assert.Equal(reason, obstacle?.Reason);
        Assert.Equal("m1", message.Properties.MessageId);
        Assert.Equal("order.created", message.EventType);
    }

    [Fact]
    public void Truncated_properties_count_as_none()
    {
        var (message, obstacle) = new RawMessage(
            1,
            Redelivered: true,
            "",
            "notifications",
            Nested(10)[..20],
            []
        ).Decode();

        Assert.Equal("undecodable", obstacle?.Reason);
        Assert.Null(message.Properties.MessageId);
    }

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
