using System.Collections.Concurrent;
using GoReliable.Notifications.Messages;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Receipts of deliveries whose transaction is not known to be committed. The message may come back in another batch,
/// and must not be delivered again.
/// </summary>
internal sealed class UncommittedReceipts
{
    // After so many, old ones are forgotten: their messages went to another worker.
    private const int Many = 1000;
    private static readonly TimeSpan Old = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<Guid, Receipt> receipts = new();
    private int added;

    public void Add(Guid @event, Receipt receipt)
    {
        receipts[@event] = receipt;
        // Counting what is there would lock all of it.
        if (Interlocked.Increment(ref added) % Many != 0)
            return;
        foreach (var (other, old) in receipts)
        {
            if (receipt.SentAt - old.SentAt > Old)
                receipts.TryRemove(other, out _);
        }
    }

    public Receipt? Find(Guid @event) => receipts.GetValueOrDefault(@event);

    public void Remove(Guid @event) => receipts.TryRemove(@event, out _);

    /// <summary>
    /// Removes and returns the receipt of a delivery whose commit succeeded although the answer was lost. A receipt
    /// that is not in doubt belongs to another batch, which will count the delivery itself.
    /// </summary>
    public Receipt? TakeInDoubt(Guid @event) =>
        receipts.TryGetValue(@event, out var receipt) && receipt.IsInDoubt && receipts.TryRemove(@event, out _)
            ? receipt
            : null;
}
