namespace GoReliable.Database.Erasure;

/// <summary>What a service did about the personal data of a customer.</summary>
/// <param name="Items">One for each kind of data that the service has, even if there was none.</param>
public sealed record ErasureReport(IReadOnlyList<ErasureItem> Items)
{
    /// <summary>Stands in place of a customer who was erased. It has a space in it, so no token can name it.</summary>
    public const string ErasedCustomer = "erased customer";
}

/// <summary>What became of one kind of data.</summary>
/// <param name="Name">Such as <c>orders</c>.</param>
/// <param name="Count">How many there were.</param>
/// <param name="Outcome">The rest of a sentence that begins with the other two.</param>
/// <param name="IsOpen">Whether the erasure is incomplete as long as there are such items.</param>
public sealed record ErasureItem(string Name, long Count, string Outcome, bool IsOpen = false);
