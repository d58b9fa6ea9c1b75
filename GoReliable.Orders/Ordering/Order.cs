using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>Where an order is in its life: pending → confirmed → cancelled, or pending → cancelled.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OrderStatus>))]
internal enum OrderStatus
{
    [JsonStringEnumMemberName("pending")]
    Pending,

    [JsonStringEnumMemberName("confirmed")]
    Confirmed,

    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}

/// <summary>One line of an order.</summary>
/// <param name="Sku">Stock keeping unit.</param>
/// <param name="Quantity">Pieces, 1–1000.</param>
/// <param name="UnitPrice">Price of one piece in the order's currency.</param>
internal sealed record OrderItem(
    string Sku,
    int Quantity,
    [property: JsonConverter(typeof(ExactDecimal))] decimal UnitPrice
);

/// <summary>An order as clients see it.</summary>
/// <param name="Id">UUIDv7; its time is <paramref name="CreatedAt"/>.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="Items">1–100 lines.</param>
/// <param name="Total">Sum over the items, in <paramref name="Currency"/>.</param>
/// <param name="ContactEmail">Where notifications go, if given.</param>
/// <param name="CreatedAt">When it was accepted, UTC.</param>
/// <param name="UpdatedAt">When its status last changed, UTC.</param>
/// <param name="Version">1 when created, one more with each change; tells readers of events which is newer.</param>
internal sealed record Order(
    Guid Id,
    OrderStatus Status,
    string Currency,
    OrderItem[] Items,
    decimal Total,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ContactEmail,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    int Version
)
{
    /// <summary>Columns in the order that <see cref="Read"/> expects.</summary>
    public const string Columns =
        "o.id, o.status, o.currency, o.items, o.total, o.contact_email, o.created_at, o.updated_at, o.version";

    /// <summary>Reads <see cref="Columns"/> of the current row, from this ordinal on.</summary>
    public static Order Read(NpgsqlDataReader row, int first = 0) =>
        new(
            row.GetGuid(first),
            OrderStatusExtensions.Parse(row.GetString(first + 1)),
            row.GetString(first + 2),
            JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(first + 3), OrdersJson.Default.OrderItemArray)!,
            row.GetDecimal(first + 4),
            row.IsDBNull(first + 5) ? null : row.GetString(first + 5),
            row.GetDateTime(first + 6),
            row.GetDateTime(first + 7),
            row.GetInt32(first + 8)
        );

    /// <summary>
    /// The time in milliseconds, the resolution of a UUIDv7, so that id, answer, row and event have the same time.
    /// </summary>
    public static DateTime Now(TimeProvider time) =>
        DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()).UtcDateTime;
}

internal static class OrderStatusExtensions
{
    /// <summary>The status as it is stored, sent and counted.</summary>
    public static string Text(this OrderStatus status) =>
        status switch
        {
            OrderStatus.Pending => "pending",
            OrderStatus.Confirmed => "confirmed",
            _ => "cancelled",
        };

    /// <summary>The status of a stored row.</summary>
    /// <exception cref="FormatException">It is not a status.</exception>
    public static OrderStatus Parse(string status) =>
        status switch
        {
            "pending" => OrderStatus.Pending,
            "confirmed" => OrderStatus.Confirmed,
            "cancelled" => OrderStatus.Cancelled,
            _ => throw new FormatException($"'{status}' is not the status of an order."),
        };
}
