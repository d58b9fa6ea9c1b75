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
/// <param name="Id">
/// The event's id, or one made from message id and body where there is no event: the same for the same message.
/// </param>
/// <param name="MessageId">As published; usually the event's id.</param>
/// <param name="EventType">Such as <c>order.created</c>, or <c>unknown</c>.</param>
/// <param name="OrderId">The order that the event is about.</param>
/// <param name="Reason">
/// One of <see cref="MessageHeaders.DeadReason"/>; <c>undecodable</c> or <c>too_large</c>, which the client library
/// cannot take; or the broker's, such as <c>delivery_limit</c>.
/// </param>
/// <param name="ExceptionType">What the last attempt failed with.</param>
/// <param name="ExceptionMessage">What it said; may name the recipient.</param>
/// <param name="Attempts">Failed attempts since it was published or last redriven.</param>
/// <param name="Redriven">How often it had been redriven before.</param>
/// <param name="FirstFailure">When its first attempt ever failed, UTC.</param>
/// <param name="DeadSince">When it was given up, UTC.</param>
/// <param name="TraceId">The trace in which it was published.</param>
/// <param name="Properties">AMQP properties and headers, see <see cref="StoredProperties"/>.</param>
/// <param name="Body">As published.</param>
internal sealed record DeadLetter(
    Guid Id,
    string? MessageId,
    string EventType,
    Guid? OrderId,
    string Reason,
    string? ExceptionType,
    string? ExceptionMessage,
    int Attempts,
    int Redriven,
    DateTime? FirstFailure,
    DateTime DeadSince,
    string? TraceId,
    byte[] Properties,
    byte[] Body
)
{
    /// <summary>
    /// Reads what the worker wrote into the headers or, if the broker itself gave up, what the broker wrote.
    /// </summary>
    /// <param name="raw">A message from the dead-letter queue.</param>
    /// <param name="message">The same, decoded.</param>
    /// <param name="obstacle">Why it cannot be read, if it cannot.</param>
    /// <param name="now">The time to use if no header says when.</param>
    public static DeadLetter Of(RawMessage raw, Message message, Failure? obstacle, DateTimeOffset now)
    {
        if (obstacle is null && !message.IsFatal)
            message.Read();
        var letter = Of(message, now) with
        {
            Properties = StoredProperties.Write(
                message.Properties,
                raw.Properties,
                obstacle?.Reason != Failure.Undecodable
            ),
        };
        return obstacle is null || message.Header(MessageHeaders.DeadReason) is not null
            ? letter
            : Blame(letter, obstacle);
    }

    /// <summary>A message that the worker cannot take. What its headers say of its end is not ours.</summary>
    public static DeadLetter Parked(RawMessage raw, Message message, Failure obstacle, DateTimeOffset now) =>
        Blame(Of(raw, message, obstacle, now), obstacle) with
        {
            Attempts = message.Attempt,
            DeadSince = now.UtcDateTime,
        };

    private static DeadLetter Blame(DeadLetter letter, Failure obstacle) =>
        letter with
        {
            Reason = obstacle.Reason,
            ExceptionType = Storable(obstacle.Type),
            ExceptionMessage = Storable(obstacle.Detail),
        };

    private static DeadLetter Of(Message message, DateTimeOffset now)
    {
        var death = LastDeath(message.Properties);
        var byWorker = message.Header(MessageHeaders.DeadReason);
        ActivityContext.TryParse(message.Header(MessageHeaders.TraceParent), traceState: null, out var trace);
        return new DeadLetter(
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
            Number(message.Header(MessageHeaders.Redriven)),
            Time(message.Header(MessageHeaders.FirstFailure)),
            Time(message.Header(MessageHeaders.DeadAt)) ?? death?.Time ?? now.UtcDateTime,
            trace.TraceId == default ? null : trace.TraceId.ToHexString(),
            Properties: [],
            message.Body
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

    private static int Number(string? header) =>
        int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static DateTime? Time(string? header) =>
        DateTimeOffset.TryParse(header, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime
            : null;

    // PostgreSQL cannot store NUL.
    private static string? Storable(string? text) => string.IsNullOrEmpty(text) ? null : text.Replace('\0', '\uFFFD');
}
