using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// How many requests are worked on at once; the rest is refused while it still costs nothing. Section
/// <c>LoadShedding</c>.
/// </summary>
internal sealed record LoadShedding
{
    /// <summary>
    /// Requests that services work on. By Little's law, 256 at once are 1,360 orders a second at 188 ms each, and two
    /// cores take 1,360 orders or 3,040 reads a second (docs/performance.md). A healthy platform has far fewer at once,
    /// and with 256 the last one in is still answered within its second.
    /// </summary>
    [Range(1, 100_000)]
    public int Concurrency { get; init; } = 256;

    /// <summary>The same for what needs no token: the pages of the documentation.</summary>
    [Range(1, 100_000)]
    public int Docs { get; init; } = 32;

    /// <summary>Requests waiting for one of those to end: a short peak is smoothed, a long one is not hidden.</summary>
    [Range(0, 100_000)]
    public int Queue { get; init; } = 128;

    /// <summary>
    /// How long a request waits in the queue before it is refused as well. While services hang, no place becomes free.
    /// Without this limit, a waiting request would learn that only when its whole time is over.
    /// </summary>
    [Duration("00:00:00.001", "00:01:00")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Requests of one customer, or of one address where no token is needed, from the headers of the request to the end
    /// of the answer. So no client can keep all the places busy, and a client that sends or reads slowly holds no more
    /// than these.
    /// </summary>
    [Range(1, 100_000)]
    public int PerCustomer { get; init; } = 64;

    public ConcurrencyLimiterOptions CustomerLimiter() => new() { PermitLimit = PerCustomer, QueueLimit = 0 };

    public ConcurrencyLimiterOptions Limiter(bool needsToken) =>
        new()
        {
            PermitLimit = needsToken ? Concurrency : Docs,
            QueueLimit = Queue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
}
