namespace GoReliable.Gateway.Limits;

/// <summary>Why a limit refuses a request; a label of metrics.</summary>
internal static class Rejection
{
    /// <summary>More requests a second than one address may send.</summary>
    public const string AddressRate = "address_rate";

    /// <summary>More requests a second than one customer may send.</summary>
    public const string CustomerRate = "customer_rate";

    /// <summary>More requests at once than one customer may have.</summary>
    public const string CustomerLoad = "customer_load";

    /// <summary>More requests at once than there is room for.</summary>
    public const string Load = "load";

    public static readonly string[] All = [AddressRate, CustomerRate, CustomerLoad, Load];
}
