using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GoReliable.Notifications.Messages;

/// <summary>
/// A tolerant reader: takes the fields that it needs from a structured CloudEvent and passes over the rest, so the
/// order service can add to its events without asking. What it cannot read is poison; trying again would not help.
/// </summary>
internal static partial class EventReader
{
    private const int MaxCustomerIdLength = 255;

    public static bool TryRead(
        ReadOnlySpan<byte> body,
        [NotNullWhen(true)] out OrderEvent? @event,
        [NotNullWhen(false)] out Failure? poison
    )
    {
        @event = null;
        poison = null;
        try
        {
            poison = Read(JsonSerializer.Deserialize(body, Json.Default.Envelope), out @event);
        }
        catch (JsonException exception)
        {
            poison = Failure.Poison(
                "unreadable",
                $"The body is not the JSON of an event at {exception.Path}, line {exception.LineNumber}, "
                    + $"byte {exception.BytePositionInLine}.",
                exception
            );
        }
        return poison is null;
    }

    private static Failure? Read(Envelope? envelope, out OrderEvent? @event)
    {
        @event = null;
        if (OrderEventType.Find(envelope?.Type) is not { } type)
            return Failure.Poison(
                "unknown_type",
                "No reader for events of this type.",
                detail: $"No reader for events of type '{envelope?.Type}'."
            );
        if (
            envelope
            is not { Id: { } id, Time: { } time, Data: { OrderId: { } orderId, CustomerId: { } customerId } data }
        )
            return Failure.Poison("incomplete", "One of id, time, data.orderId and data.customerId is missing.");
        // PostgreSQL cannot store NUL, and nothing that it refuses may get into a transaction with other messages.
        if (customerId.Length is 0 or > MaxCustomerIdLength || customerId.Any(char.IsControl))
            return Failure.Poison("incomplete", "data.customerId is empty, too long or has control characters.");

        @event = new OrderEvent(
            id,
            type,
            time,
            orderId,
            customerId,
            data.ContactEmail,
            data.Total,
            data.Currency,
            data.Version
        );
        return null;
    }

    private sealed record Envelope(Guid? Id, string? Type, DateTimeOffset? Time, EventData? Data);

    private sealed record EventData(
        Guid? OrderId,
        string? CustomerId,
        string? ContactEmail,
        decimal? Total,
        string? Currency,
        int? Version
    );

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNameCaseInsensitive = false)]
    [JsonSerializable(typeof(Envelope))]
    private sealed partial class Json : JsonSerializerContext;
}
