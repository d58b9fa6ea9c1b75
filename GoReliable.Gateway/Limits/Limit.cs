namespace GoReliable.Gateway.Limits;

/// <summary>What the gateway limits, in the order in which a request meets it.</summary>
internal enum Limit
{
    /// <summary>Requests a second of one address.</summary>
    AddressRate,

    /// <summary>Requests a second of one customer.</summary>
    CustomerRate,

    /// <summary>Requests at once of one customer.</summary>
    CustomerLoad,

    /// <summary>Requests at once of all, while a service works on them.</summary>
    Load,
}
