using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>One order, as its customer knows it.</summary>
/// <param name="number">Counts from 0.</param>
/// <param name="due">Timestamp when it was to be offered.</param>
/// <param name="customer">Whose it is.</param>
internal sealed class Purchase(int number, long due, string customer)
{
    /// <summary>Unique per purchase, so two orders with the same SKU are a duplicate.</summary>
    public string Sku { get; } = string.Create(CultureInfo.InvariantCulture, $"{customer}-{number}");

    /// <summary>The idempotency key for retries; null if the purchase is not retried.</summary>
    public string? Key => number % 5 == 0 ? null : Sku;

    /// <summary>Whether the customer confirms it as soon as it is accepted.</summary>
    public bool IsToBeConfirmed => number % 10 == 1;

    /// <summary>What is sent. Some want an e-mail.</summary>
    public object Body =>
        number % 20 == 3
            ? new
            {
                currency = "EUR",
                items = Items,
                contactEmail = $"{Sku}@example.com",
            }
            : new { currency = "EUR", items = Items };

    /// <summary>When it was to be offered.</summary>
    public long Due => due;

    /// <summary>When it was offered.</summary>
    public long Offered { get; set; }

    /// <summary>When it was accepted.</summary>
    public long AnsweredAt { get; private set; }

    /// <summary>The order that the answer 201 promised.</summary>
    public Guid? Answered { get; private set; }

    /// <summary>A response after which a retry is pointless.</summary>
    public HttpStatusCode? Refused { get; set; }

    /// <summary>Whether its confirmation was answered with 200.</summary>
    public bool IsConfirmed { get; set; }

    /// <summary>Ends when the customer waits for nothing any more.</summary>
    public Task Ended { get; set; } = Task.CompletedTask;

    /// <summary>From due to accepted.</summary>
    public TimeSpan Latency => Stopwatch.GetElapsedTime(due, AnsweredAt);

    private object[] Items =>
        [
            new
            {
                sku = Sku,
                quantity = 1,
                unitPrice = 9.95m,
            },
        ];

    public void Accept(Guid order) => (Answered, AnsweredAt) = (order, Stopwatch.GetTimestamp());
}
