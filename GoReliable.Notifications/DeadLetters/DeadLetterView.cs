using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using GoReliable.Notifications.Messages;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>A page of dead letters.</summary>
/// <param name="Items">Oldest first.</param>
/// <param name="NextCursor">Send it as <c>cursor</c> for the next page; null on the last one.</param>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetterItem> Items, string? NextCursor);

/// <summary>A dead letter in a list.</summary>
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
internal sealed record DeadLetterItem(
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
    string? TraceId
);

/// <summary>All of a dead letter.</summary>
/// <param name="Letter">As in a list.</param>
/// <param name="Properties">AMQP properties and headers; as text where they are nested too deeply.</param>
/// <param name="Body">As text, where it is UTF-8.</param>
/// <param name="BodyBase64">Otherwise its bytes. A body of more than 1 MiB is shown in neither form.</param>
/// <param name="BodyBytes">Its size.</param>
internal sealed record DeadLetterDetail(
    DeadLetterItem Letter,
    JsonElement Properties,
    string? Body,
    string? BodyBase64,
    int BodyBytes
)
{
    private const int MaxShownBytes = 1024 * 1024;

    public static DeadLetterDetail Of(DeadLetter letter)
    {
        var isShown = letter.Body.Length <= MaxShownBytes;
        var isText = Utf8.IsValid(letter.Body);
        return new(
            letter.Item,
            Parse(letter.Properties),
            isShown && isText ? Encoding.UTF8.GetString(letter.Body) : null,
            isShown && !isText ? Convert.ToBase64String(letter.Body) : null,
            letter.Body.Length
        );
    }

    // Rows of earlier versions may be nested more deeply than an answer may be.
    private static JsonElement Parse(byte[] properties)
    {
        try
        {
            return JsonElement.Parse(properties, new() { MaxDepth = 40 });
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(Encoding.UTF8.GetString(properties));
        }
    }
}
