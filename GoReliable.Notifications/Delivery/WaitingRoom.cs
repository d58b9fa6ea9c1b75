namespace GoReliable.Notifications.Delivery;

/// <summary>What became of a message that wants to be delivered.</summary>
internal enum Admission
{
    /// <summary>
    /// Its turn has come. The caller delivers it, and must then call <see cref="WaitingRoom{T}.Leave"/>.
    /// </summary>
    Begins,

    /// <summary>It has a place to wait, and <see cref="WaitingRoom{T}.Leave"/> will return it.</summary>
    Waits,

    /// <summary>There is no room, and it makes sense to ask again in a moment.</summary>
    TryAgain,

    /// <summary>There is no room, and there will be none soon: messages behind it should not wait for it.</summary>
    Defer,
}

/// <summary>
/// Where messages wait, in their order, for their turn with an external server. Only a few deliveries are under way at
/// a time, to each recipient and in total, and the others wait here while deliveries go on. If they do not go on,
/// because a recipient or the whole server hangs, the room must not fill up with messages that wait for it.
/// </summary>
internal sealed class WaitingRoom<T>(TimeProvider time)
{
    /// <summary>Deliveries under way.</summary>
    public const int MaxDeliveries = 32;

    private const int MaxDeliveriesPerRecipient = 2;

    // Together with those under way, two thirds of the messages that the broker sends ahead. The rest is for messages
    // that wait for no server.
    private const int Capacity = 100;

    // Places of a full room that one recipient may have.
    private const int MaxWaitingPerRecipient = 10;

    // If fewer deliveries end within this time than may be under way at once, the server counts as slow.
    private static readonly TimeSpan SlowAfter = TimeSpan.FromSeconds(5);

    // The broker takes back a message that a worker keeps for half an hour, and may end the channel. What begins after
    // less than this has enough time left, if Delivery:Timeout is four minutes at most.
    // https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(10);

    // Of one recipient.
    private readonly record struct Load(int UnderWay, int Waiting);

    private readonly Lock changing = new();
    private readonly Dictionary<string, Load> recipients = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<(string Recipient, T Waiting, long Since)> waiting = [];

    // When the last deliveries ended, as a ring.
    private readonly long[] ended = new long[MaxDeliveries];
    private int next;
    private int underWay;
    private long waitingSince;

    public Admission Enter(string recipient, T message)
    {
        lock (changing)
        {
            var load = recipients.GetValueOrDefault(recipient);
            if (MayBegin(load))
            {
                Begin(recipient, load);
                return Admission.Begins;
            }
            if (waiting.Count == Capacity)
                return load.Waiting >= MaxWaitingPerRecipient || IsSlow() ? Admission.Defer : Admission.TryAgain;

            if (waiting.Count == 0)
                waitingSince = time.GetTimestamp();
            waiting.AddLast((recipient, message, time.GetTimestamp()));
            recipients[recipient] = load with { Waiting = load.Waiting + 1 };
            return Admission.Waits;
        }
    }

    /// <summary>Ends a delivery; the turn is then that of <paramref name="following"/>.</summary>
    /// <returns>False when no message may begin.</returns>
    public bool Leave(string recipient, out (string Recipient, T Waiting) following)
    {
        lock (changing)
        {
            underWay--;
            var load = recipients[recipient];
            Set(recipient, load with { UnderWay = load.UnderWay - 1 });
            ended[next] = time.GetTimestamp();
            next = (next + 1) % MaxDeliveries;

            for (var node = waiting.First; node is not null; node = node.Next)
            {
                following = (node.Value.Recipient, node.Value.Waiting);
                load = recipients[following.Recipient];
                if (!MayBegin(load))
                    continue;
                waiting.Remove(node);
                Begin(following.Recipient, load with { Waiting = load.Waiting - 1 });
                return true;
            }
            following = default;
            return false;
        }
    }

    /// <summary>
    /// Removes the messages that have waited too long. To be asked when a delivery ends, and before the next begins.
    /// </summary>
    public IReadOnlyList<T> RemoveLate()
    {
        lock (changing)
        {
            var late = new List<T>();
            while (waiting.First is { } first && time.GetElapsedTime(first.Value.Since) >= MaxWait)
            {
                var load = recipients[first.Value.Recipient];
                Set(first.Value.Recipient, load with { Waiting = load.Waiting - 1 });
                waiting.RemoveFirst();
                late.Add(first.Value.Waiting);
            }
            return late;
        }
    }

    /// <summary>Removes all messages that wait.</summary>
    public IReadOnlyList<T> RemoveWaiting()
    {
        lock (changing)
        {
            List<T> removed = [.. waiting.Select(entry => entry.Waiting)];
            foreach (var recipient in waiting.Select(entry => entry.Recipient).Distinct(recipients.Comparer))
                Set(recipient, recipients[recipient] with { Waiting = 0 });
            waiting.Clear();
            return removed;
        }
    }

    private bool MayBegin(Load load) => underWay < MaxDeliveries && load.UnderWay < MaxDeliveriesPerRecipient;

    private bool IsSlow() =>
        time.GetElapsedTime(waitingSince) > SlowAfter && time.GetElapsedTime(ended[next]) > SlowAfter;

    private void Begin(string recipient, Load load)
    {
        underWay++;
        recipients[recipient] = load with { UnderWay = load.UnderWay + 1 };
    }

    private void Set(string recipient, Load load)
    {
        if (load is (0, 0))
            recipients.Remove(recipient);
        else
            recipients[recipient] = load;
    }
}
