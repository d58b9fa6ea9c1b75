namespace GoReliable.Orders.Outbox;

/// <summary>A row of the outbox on its way out.</summary>
/// <param name="Id">Position; smaller ids of the same order go first.</param>
/// <param name="EventId">CloudEvents id and AMQP message id.</param>
/// <param name="OrderId">Whose event it is.</param>
/// <param name="RoutingKey">Where it goes on the exchange.</param>
/// <param name="Body">The CloudEvent.</param>
/// <param name="TraceParent">Span that wrote the row, W3C.</param>
/// <param name="TraceState">Its vendors' state.</param>
/// <param name="Attempts">How often the broker did not take it.</param>
/// <param name="IsSetAside">Whether its order was set aside, and gets another try now.</param>
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
