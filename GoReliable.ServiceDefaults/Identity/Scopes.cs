namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// What a token may allow (https://www.rfc-editor.org/rfc/rfc8693#section-4.2). Each is the name of its authorization
/// policy as well.
/// </summary>
public static class Scopes
{
    /// <summary>Read one's own orders, and what was sent about them.</summary>
    public const string OrdersRead = "orders:read";

    /// <summary>Create, confirm and cancel orders.</summary>
    public const string OrdersWrite = "orders:write";

    /// <summary>
    /// List, redrive and discard dead letters, and events that the broker does not take; erase a customer's data. For
    /// operators, not for customers.
    /// </summary>
    public const string NotificationsOperate = "notifications:operate";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [OrdersRead, OrdersWrite, NotificationsOperate];
}
