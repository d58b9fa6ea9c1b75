using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>
/// A message that was given up, with everything that is needed to understand it and to publish it again.
/// </summary>
/// <param name="Item">What a list shows of it.</param>
/// <param name="Properties">AMQP properties and headers, see <see cref="StoredProperties"/>.</param>
/// <param name="Body">As published.</param>
/// <param name="Position">
/// Its place in the order of arrival, once it is stored; pages and batches go on after it.
/// </param>
internal sealed record DeadLetter(DeadLetterItem Item, byte[] Properties, byte[] Body, long Position = 0)
{
    /// <summary>
    /// Reads what the worker wrote into the headers or, if the broker itself gave up, what the broker wrote.
    /// </summary>
    /// <param name="raw">A message from the dead-letter queue.</param>
    /// <param name="message">The same, decoded.</param>
    /// <param name="problem">Why it cannot be read, if it cannot.</param>
    /// <param name="now">The time to use if no header says when.</param>
    public static DeadLetter Of(RawMessage raw, Message message, Failure? problem, DateTimeOffset now)
    {
        var item = Describe(message, now);
        if (problem is not null && message.Header(MessageHeaders.DeadReason) is null)
            item = Blame(item, problem);
        var isWhole = problem?.Reason != Failure.Undecodable;
        return new(item, StoredProperties.Write(message.Properties, raw.Properties, isWhole), message.Body);
    }

    /// <summary>A message that the worker cannot take. What its headers say of its end is not ours.</summary>
    public static DeadLetter Parked(RawMessage raw, Message message, Failure problem, DateTimeOffset now)
    {
        var letter = Of(raw, message, problem, now);
        return letter with
        {
            Item = Blame(letter.Item, problem) with { Attempts = message.Attempt, DeadSince = now.UtcDateTime },
        };
    }

    private static DeadLetterItem Blame(DeadLetterItem item, Failure problem) =>
        item with
        {
            Reason = problem.Reason,
            ExceptionType = Storable(problem.Type),
            ExceptionMessage = Storable(problem.Detail),
        };

    private static DeadLetterItem Describe(Message message, DateTimeOffset now)
    {
        var death = LastDeath(message.Properties);
        var byWorker = message.Header(MessageHeaders.DeadReason);
        ActivityContext.TryParse(message.Header(MessageHeaders.TraceParent), traceState: null, out var trace);
        return new(
            message.Event?.Id ?? IdOf(message),
            Storable(message.Properties.MessageId),
            message.EventType,
            message.Event?.OrderId,
            Storable(byWorker ?? death?.Reason) ?? "unknown",
            Storable(message.Header(MessageHeaders.ExceptionType)),
            Storable(message.Header(MessageHeaders.ExceptionMessage)),
            // The header counts failures. The message's attempt is one more: the attempt that the broker cut off.
            byWorker is null
                ? message.Attempt
                : message.Attempt - 1,
            message.Count(MessageHeaders.Redriven),
            Time(message.Header(MessageHeaders.FirstFailure)),
            Time(message.Header(MessageHeaders.DeadAt)) ?? death?.Time ?? now.UtcDateTime,
            trace.TraceId == default ? null : trace.TraceId.ToHexString()
        );
    }

    // The same message has the same id however often it comes. Different messages have different ids.
    internal static Guid IdOf(Message message)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{message.Properties.MessageId}\n"));
        hash.AppendData(message.Body);
        var bytes = hash.GetHashAndReset().AsSpan(0, 16);
        bytes[6] = (byte)(0x80 | (bytes[6] & 0x0f)); // UUIDv8: https://www.rfc-editor.org/rfc/rfc9562#section-5.8
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return new Guid(bytes, bigEndian: true);
    }

    // The newest entry is the first: https://www.rabbitmq.com/docs/dlx#effects
    private static (string Reason, DateTime? Time)? LastDeath(IReadOnlyBasicProperties properties) =>
        properties.Headers?.TryGetValue("x-death", out var deaths) == true
        && deaths is IList { Count: > 0 } list
        && list[0] is IDictionary<string, object?> death
        && death.TryGetValue("reason", out var reason)
        && reason is byte[] text
            ? (
                Encoding.UTF8.GetString(text),
                death.TryGetValue("time", out var time) && time is AmqpTimestamp at ? Time(at) : null
            )
            : null;

    // Any publisher may have written it: a time that .NET does not know counts as none.
    private static DateTime? Time(AmqpTimestamp time) =>
        time.UnixTime >= DateTimeOffset.MinValue.ToUnixTimeSeconds()
        && time.UnixTime <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(time.UnixTime).UtcDateTime
            : null;

    private static DateTime? Time(string? header) =>
        DateTimeOffset.TryParse(header, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime
            : null;

    // PostgreSQL cannot store NUL.
    private static string? Storable(string? text) => string.IsNullOrEmpty(text) ? null : text.Replace('\0', '\uFFFD');
}
