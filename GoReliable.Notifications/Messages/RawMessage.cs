using System.Buffers.Binary;
using System.Collections;
using System.Globalization;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Messages;

/// <summary>A message whose AMQP properties, with its headers, are bytes as they came.</summary>
internal sealed record RawMessage(
    ulong Tag,
    bool Redelivered,
    string Exchange,
    string RoutingKey,
    byte[] Properties,
    byte[] Body
)
{
    /// <summary>
    /// Bytes of the largest body that is consumed; the largest event that Orders writes has 20,000. The broker sends
    /// 200 messages ahead, and they must fit into the worker's memory.
    /// </summary>
    public const int MaxBodyBytes = 128 * 1024;

    /// <summary>Headers are published again with what went wrong, and have to fit into a frame of 128 KiB.</summary>
    private const int MaxPropertiesBytes = 64 * 1024;

    // Tables in tables. One frame has room for 26,000 levels, too many for the default stack of a thread.
    private const int MaxDepth = 1000;
    private const int StackBytes = 64 * 1024 * 1024;

    /// <summary>Decodes it with the client library's own decoder.</summary>
    /// <param name="isDeadLetter">
    /// Whether it comes from the dead-letter queue, where the worker says which message ended it.
    /// </param>
    /// <returns>
    /// The message, without headers if they cannot be decoded, and not read if that may end the process; and,
    /// if the worker cannot take it, the reason.
    /// </returns>
    public (Message Message, Failure? Problem) Decode(bool isDeadLetter)
    {
        var (properties, error) = ReadProperties(Properties);
        var problem =
            error is not null
                ? Failure.Poison(Failure.Undecodable, "The client library cannot decode its headers.", error)
            : Body.Length > MaxBodyBytes ? TooLarge("body", Body.Length, MaxBodyBytes)
            : Properties.Length > MaxPropertiesBytes ? TooLarge("headers", Properties.Length, MaxPropertiesBytes)
            : null;
        var message = new Message(Tag, Exchange, RoutingKey, properties, Body, read: false);
        var mayEndProcess = isDeadLetter ? message.ClaimsToBeFatal : message.IsSuspect;
        if (Body.Length <= MaxBodyBytes && !mayEndProcess)
            message.Read();
        return (message, problem);
    }

    private static Failure TooLarge(string part, int size, int largest) =>
        Failure.Poison(
            Failure.TooLarge,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Its {part} has {size:N0} bytes, and {largest:N0} at most are taken."
            )
        );

    /// <summary>
    /// Decodes properties. If the headers cannot be decoded, the result has no headers, and there is an error.
    /// </summary>
    public static (ReadOnlyBasicProperties Properties, Exception? Error) ReadProperties(byte[] bytes)
    {
        var properties = new ReadOnlyBasicProperties([]);
        Exception? error = null;
        var thread = new Thread(() => error = TryRead(bytes, ref properties), StackBytes);
        thread.Start();
        thread.Join();
        if (error is not null)
            TryRead(WithoutHeaders(bytes), ref properties);
        return (properties, error);
    }

    private static Exception? TryRead(byte[] bytes, ref ReadOnlyBasicProperties properties)
    {
        try
        {
            var read = new ReadOnlyBasicProperties(bytes);
            if (Depth(read.Headers) > MaxDepth)
                return new InvalidDataException($"Headers are nested more than {MaxDepth} deep.");
            properties = read;
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static int Depth(object? value) =>
        value switch
        {
            IDictionary<string, object?> { Count: > 0 } table => 1 + table.Values.Max(Depth),
            IList { Count: > 0 } list and not byte[] => 1 + list.Cast<object?>().Max(Depth),
            _ => 0,
        };

    // Flags, content type, content encoding, headers, and the others:
    // https://www.rabbitmq.com/amqp-0-9-1-reference#class.basic
    private static byte[] WithoutHeaders(byte[] bytes)
    {
        const byte ContentType = 0x80,
            ContentEncoding = 0x40,
            Headers = 0x20;
        try
        {
            var start = 2;
            foreach (var flag in new[] { ContentType, ContentEncoding })
                start += (bytes[0] & flag) != 0 ? 1 + bytes[start] : 0;
            var end = start + 4 + BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(start));
            return (bytes[0] & Headers) == 0
                ? bytes
                : [(byte)(bytes[0] & ~Headers), .. bytes.AsSpan(1, start - 1), .. bytes.AsSpan(end)];
        }
        catch (Exception exception) when (exception is ArgumentException or IndexOutOfRangeException)
        {
            return [];
        }
    }
}
