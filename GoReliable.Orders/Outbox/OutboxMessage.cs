namespace GoReliable.Orders.Outbox;

/// <summary>A row of the outbox on its way out.</summary>
/// <remarks>
/// <c>Attempts</c> says how often the broker did not take it, <c>IsSetAside</c> whether its order was set aside and gets
/// another try now.
/// </remarks>
internal sealed record OutboxMessage(
    long Id,
    Guid EventId,
    Guid OrderId,
    string RoutingKey,
    byte[] Body,
    string? TraceParent,
    string? TraceState,
    int Attempts,
    bool IsSetAside
);
