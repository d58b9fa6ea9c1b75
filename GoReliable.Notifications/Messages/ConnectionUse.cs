namespace GoReliable.Notifications.Messages;

/// <summary>What each of the worker's connections with the broker is for.</summary>
internal static class ConnectionUse
{
    public const string Consume = "consume";

    /// <summary>
    /// Consumes nothing: a broker that is short of memory stops reading from a connection that publishes.
    /// </summary>
    public const string Publish = "publish";

    /// <summary>Neither publishes nor consumes, so that neither an alarm nor a message ends it.</summary>
    public const string Watch = "watch";
}
