using System.Text;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace GoReliable.Orders.Outbox;

/// <summary>A page of orders that wait for an operator.</summary>
/// <param name="Items">Oldest first.</param>
/// <param name="NextCursor">Send it as <c>cursor</c> for the next page; null on the last one.</param>
internal sealed record SetAsidePage(IReadOnlyList<SetAsideItem> Items, string? NextCursor);

/// <summary>An order whose next event the broker does not take.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="EventId">The event.</param>
/// <param name="Type">Its routing key.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Reason">Why the last attempt failed.</param>
/// <param name="FailedSince">When the first one failed, UTC.</param>
internal sealed record SetAsideItem(
    Guid OrderId,
    Guid EventId,
    string Type,
    int Attempts,
    string Reason,
    DateTime FailedSince
);

/// <summary>An order that waits for an operator, with its events.</summary>
/// <param name="Item">As in a list.</param>
/// <param name="Events">The order's events that wait, 100 at most. The one that fails is the first.</param>
internal sealed record SetAsideDetail(SetAsideItem Item, IReadOnlyList<SetAsideEvent> Events);

/// <summary>An event that waits.</summary>
/// <param name="EventId">CloudEvents id.</param>
/// <param name="Type">Its routing key.</param>
/// <param name="CreatedAt">When it was stored, UTC.</param>
/// <param name="TraceParent">The span that stored it, W3C.</param>
/// <param name="Body">As text, where it is UTF-8.</param>
/// <param name="BodyBase64">Otherwise its bytes.</param>
internal sealed record SetAsideEvent(
    Guid EventId,
    string Type,
    DateTime CreatedAt,
    string? TraceParent,
    string? Body,
    string? BodyBase64
)
{
    public static SetAsideEvent Of(Guid id, string type, DateTime createdAt, string? traceParent, byte[] body) =>
        Utf8.IsValid(body)
            ? new(id, type, createdAt, traceParent, Encoding.UTF8.GetString(body), BodyBase64: null)
            : new(id, type, createdAt, traceParent, Body: null, Convert.ToBase64String(body));
}

/// <summary>Which orders get another try.</summary>
/// <param name="Orders">1 to 1,000 of them.</param>
/// <param name="All">True instead of orders.</param>
/// <param name="Reason">Only those with this reason.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record RedriveRequest(Guid[]? Orders, bool? All, string? Reason)
{
    private const int MaxOrders = 1000;

    /// <returns>What is wrong with it, if anything.</returns>
    public string? FindMistake() =>
        (Orders, All) switch
        {
            (null, not true) => "Send orders, or all: true.",
            (not null, true) => "Send either orders or all: true, not both.",
            ({ Length: 0 or > MaxOrders }, _) => $"orders must be 1 to {MaxOrders} ids.",
            _ when Reason is { Length: 0 or > 1000 } || Reason?.Contains('\0') == true =>
                "reason must be 1 to 1000 characters.",
            _ => null,
        };
}

/// <summary>What a call did.</summary>
/// <param name="Done">Orders that get another try.</param>
internal sealed record RedriveResult(int Done);
