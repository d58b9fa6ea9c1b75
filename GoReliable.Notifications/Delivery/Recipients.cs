namespace GoReliable.Notifications.Delivery;

/// <summary>
/// How many deliveries are under way, to each recipient and at all. Each waits for somebody else's server and keeps a
/// database connection meanwhile: a slow recipient must not have all of them.
/// </summary>
internal sealed class Recipients
{
    private const int Most = 32;
    private const int MostToOne = 2;

    private readonly Lock changing = new();
    private readonly Dictionary<string, int> underWay = new(StringComparer.OrdinalIgnoreCase);
    private int all;

    /// <returns>False when there are too many; then <see cref="Leave"/> must not be called.</returns>
    public bool TryEnter(string recipient)
    {
        lock (changing)
        {
            var before = underWay.GetValueOrDefault(recipient);
            if (all == Most || before == MostToOne)
                return false;
            all++;
            underWay[recipient] = before + 1;
            return true;
        }
    }

    public void Leave(string recipient)
    {
        lock (changing)
        {
            all--;
            if (--underWay[recipient] == 0)
                underWay.Remove(recipient);
        }
    }
}
