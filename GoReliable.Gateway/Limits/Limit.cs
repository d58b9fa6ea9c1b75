namespace GoReliable.Gateway.Limits;

/// <summary>What the gateway limits, in the order in which a request meets it.</summary>
internal enum Limit
{
    /// <summary>
    /// Requests a second of one address. Before authentication, so that guessing tokens is limited as well.
    /// </summary>
    AddressRate,

    /// <summary>
    /// Requests a second of one customer. After authentication, and before authorization, so that asking for what is
    /// forbidden is limited as well.
    /// </summary>
    CustomerRate,

    /// <summary>
    /// Requests at once of one customer. After authorization and before the gateway waits for the body, so that an
    /// unknown client cannot make it wait for bodies.
    /// </summary>
    CustomerLoad,

    /// <summary>
    /// Requests at once of all. Last, when the whole request has arrived. It counts until its answer begins: while a
    /// service works on it, and not while its client sends or reads.
    /// </summary>
    Load,
}
