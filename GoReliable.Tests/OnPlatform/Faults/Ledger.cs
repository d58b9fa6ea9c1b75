using System.Globalization;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// Compares what was promised with what happened: sets of ids from the customers, both databases and the broker.
/// </summary>
internal sealed partial class Ledger
{
    // Most deliveries in progress at one worker. After a SIGKILL, this many accepted e-mails may have no record.
    private const int MostUnderWay = 32;

    private readonly Load load;
    private readonly List<StoredOrder> stored;
    private readonly List<Notified> notified;
    private readonly List<Published> published;
    private readonly HashSet<Guid> mailed;
    private readonly List<Guid> mails;

    private Ledger(
        Load load,
        List<StoredOrder> stored,
        List<(Notified Notified, Guid? Mailed)> sent,
        List<Published> published,
        IReadOnlyCollection<Guid> mails
    )
    {
        (this.load, this.stored) = (load, stored);
        var ids = stored.Select(order => order.Id).ToHashSet();
        this.published = [.. published.Where(copy => ids.Contains(copy.Order))];
        notified = [.. sent.Select(row => row.Notified)];
        mailed = [.. sent.Select(row => row.Mailed).OfType<Guid>()];
        this.mails = [.. mails.Where(mailed.Contains)];
    }

    private Dictionary<Guid, string> Answered =>
        field ??= load
            .Purchases.Where(purchase => purchase.Answered is not null)
            .ToDictionary(purchase => purchase.Answered!.Value, purchase => purchase.Sku);

    private List<Notified> Owed =>
        field ??= [
            .. stored.SelectMany(order =>
                order.IsConfirmed
                    ? [new(order.Id, "order.created"), new(order.Id, "order.confirmed")]
                    : new Notified[] { new(order.Id, "order.created") }
            ),
        ];

    /// <summary>Events that the broker got more than once: the inbox removed the others.</summary>
    public int Republished => published.Count - published.Select(copy => copy.Event).Distinct().Count();

    /// <summary>Orders that were promised, orders that are stored, notifications that were sent.</summary>
    public (int Answered, int Stored, int Notified) Count => (Answered.Count, stored.Count, notified.Count);

    /// <summary>
    /// An order answered with 201 is stored, and its customer notified, once; and nothing is there twice.
    /// </summary>
    public void AssertNothingLost(Fault fault)
    {
        var purchases = load.Purchases.ToArray();
        Assert.Empty(
            purchases
                .Where(purchase => purchase.Refused is not null)
                .Select(purchase => $"{purchase.Sku}: {purchase.Refused}")
        );
        Assert.Empty(
            purchases
                .Where(purchase => purchase.Key is not null && purchase.Answered is null)
                .Select(purchase => purchase.Sku)
        );
        Assert.Empty(Answered.Keys.Except(stored.Select(order => order.Id)));
        Assert.All(stored, order => Assert.Equal(Answered.GetValueOrDefault(order.Id, order.Sku), order.Sku));
        Assert.Empty(
            purchases
                .Where(purchase => purchase.IsConfirmed)
                .Select(purchase => purchase.Answered!.Value)
                .Except(stored.Where(order => order.IsConfirmed).Select(order => order.Id))
        );
        Assert.Empty(Twice(stored.Select(order => order.Sku)));
        Assert.Empty(Owed.Except(notified));
        Assert.Empty(notified.Except(Owed));
        Assert.Empty(Twice(notified));
        Assert.Empty(mailed.Except(mails));
        Assert.True(
            mails.Count - mailed.Count <= (fault.MayMailTwice ? MostUnderWay : 0),
            $"{mails.Count - mailed.Count} e-mails came again."
        );
        if (!fault.HidesCopies)
            Assert.Equal(Owed.Count, published.DistinctBy(copy => copy.Event).Count());
        Assert.Empty(
            published.GroupBy(copy => copy.Order).Where(order => !IsInOrder(order)).Select(order => order.Key)
        );
    }

    /// <summary>A table for people, and one line for <c>./test</c> to repeat at its end.</summary>
    public string Describe(string fault, FaultWindow window)
    {
        var unanswered = load
            .Purchases.Where(purchase => purchase.Answered is null)
            .Select(purchase => purchase.Sku)
            .ToHashSet();
        var storedOnly = stored.Count(order => unanswered.Contains(order.Sku));
        var twice = Twice(stored.Select(order => order.Sku)).Count + Twice(notified).Count;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            orders offered                    {load.Purchases.Count, 8}   by {load.Requests} requests; {window.OfferedRate:0}/s during the fault
            answered 201                      {Answered.Count, 8}   of those stored: {stored.Count(order =>
                Answered.ContainsKey(order.Id)
            )}, notified: {notified.Count(sent => sent.Type == "order.created" && Answered.ContainsKey(sent.Order))}
            no answer                         {unanswered.Count, 8}   of those stored nevertheless: {storedOnly}
            stored                            {stored.Count, 8}   confirmed: {stored.Count(order => order.IsConfirmed)}
            notifications owed                {Owed.Count, 8}   sent: {notified.Count}
            twice, stored or notified         {twice, 8}
            e-mails in notifications          {mailed.Count, 8}   accepted by the mail server: {mails.Count}, duplicates: {mails.Count
                - mailed.Count}
            events published                  {published.Count, 8}   again: {Republished}, removed by the inbox
            outage, longest without a 201     {window.Outage.TotalSeconds, 8:0.0} s
            p99 outside of the outage         {window.CalmP99.TotalMilliseconds, 8:0} ms
            Ledger: {fault}: 201 {Answered.Count} = stored {stored.Count} - {storedOnly} unanswered; notified {notified.Count} of {Owed.Count}; twice {twice}; e-mails {mails.Count} of {mailed.Count}; published again {Republished}; outage {window.Outage.TotalSeconds:0.0} s; p99 {window.CalmP99.TotalMilliseconds:0} ms; {window.OfferedRate:0}/s
            """
        );
    }

    private static List<T> Twice<T>(IEnumerable<T> all)
        where T : notnull => [.. all.CountBy(one => one).Where(one => one.Value > 1).Select(one => one.Key)];

    // By first copies: what is published again comes again in its order, after them.
    private static bool IsInOrder(IEnumerable<Published> order)
    {
        var versions = order.Select(copy => copy.Version).Distinct().ToList();
        return versions.SequenceEqual(versions.Order());
    }

    private sealed record StoredOrder(Guid Id, string Sku, bool IsConfirmed);

    private sealed record Notified(Guid Order, string Type);
}
