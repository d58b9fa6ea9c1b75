namespace GoReliable.Notifications.Delivery;

/// <summary>A channel could not deliver.</summary>
/// <remarks>
/// Its text goes to logs and spans, which must not contain addresses, and mail servers repeat addresses in their
/// answers. So the exception that caused it is kept apart. As the inner exception, every log would print it too.
/// </remarks>
internal sealed class DeliveryException(string message, bool permanent, Exception? cause = null) : Exception(message)
{
    /// <summary>Whether trying again is pointless.</summary>
    public bool Permanent { get; } = permanent;

    /// <summary>What the library threw; may name the recipient.</summary>
    public Exception? Cause { get; } = cause;

    public static DeliveryException TooLate(TimeSpan timeout, Exception cause) =>
        new($"Not delivered within {timeout}.", permanent: false, cause);
}
