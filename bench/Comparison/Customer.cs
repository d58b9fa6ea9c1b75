using System.Text;

namespace GoReliable.Bench.Comparison;

/// <summary>Somebody who orders, on a connection of his own, and reads what he ordered.</summary>
internal sealed class Customer : IDisposable
{
    private const string Items = """
        "currency":"EUR","items":[{"sku":"KB-101","quantity":2,"unitPrice":49.90}]
        """;

    private const int Created = 201;
    private const int Ok = 200;

    // Replaced in each request. As long as a Guid.
    private static readonly byte[] Placeholder = "????????????????????????????????????"u8.ToArray();

    private readonly HttpConnection connection;
    private readonly Request order;
    private readonly Request orderWithAddress;
    private readonly Request read;
    private readonly Random random = new();

    /// <param name="port">The gateway's.</param>
    /// <param name="token">Whose orders they are.</param>
    /// <param name="hasKeys">Whether each order has an <c>Idempotency-Key</c>.</param>
    public Customer(int port, string token, bool hasKeys)
    {
        connection = new HttpConnection(port);
        var placeholder = Encoding.ASCII.GetString(Placeholder);
        var headers = $"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n";
        var key = hasKeys ? $"Idempotency-Key: {placeholder}\r\n" : "";
        Request Post(string body) =>
            new(
                $"POST /api/v1/orders HTTP/1.1\r\n{headers}{key}"
                    + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            );
        order = Post($$"""{{{Items}}}""");
        orderWithAddress = Post($$"""{{{Items}},"contactEmail":"ada@example.com"}""");
        read = new($"GET /api/v1/orders/{placeholder} HTTP/1.1\r\n{headers}\r\n");
    }

    /// <summary>What was created, and when it was due.</summary>
    public List<PlacedOrder> Orders { get; } = [];

    /// <summary>Creates an order.</summary>
    /// <returns>Its status; 0 if there was no answer, or not one that an order is answered with.</returns>
    public int Create(DateTime due, bool withAddress)
    {
        var status = connection.Send((withAddress ? orderWithAddress : order).With(Guid.NewGuid()));
        if (status != Created)
            return status;
        var id = connection.Body.IndexOf("\"id\":\""u8) + "\"id\":\"".Length;
        if (!Guid.TryParse(connection.Body.Slice(id, Placeholder.Length), out var created))
            return HttpConnection.NoAnswer;
        Orders.Add(new(created, due));
        return status;
    }

    /// <summary>Reads one of his orders, any.</summary>
    /// <returns>Its status; 0 if there was no answer, or it is not that order.</returns>
    public int Read()
    {
        var id = Orders[random.Next(Orders.Count)].Id;
        var status = connection.Send(read.With(id));
        return status == Ok && connection.Body.IndexOf(read.Filled) < 0 ? HttpConnection.NoAnswer : status;
    }

    public static bool IsGood(int status) => status is Created or Ok;

    public void Dispose() => connection.Dispose();

    // Bytes made once, with one place in them that is filled anew.
    private sealed class Request
    {
        private readonly byte[] bytes;
        private readonly int placeholder;

        public Request(string text)
        {
            bytes = Encoding.ASCII.GetBytes(text);
            placeholder = bytes.AsSpan().IndexOf(Placeholder);
        }

        public ReadOnlySpan<byte> Filled => bytes.AsSpan(placeholder, Placeholder.Length);

        public ReadOnlySpan<byte> With(Guid id)
        {
            if (placeholder >= 0)
                id.TryFormat(bytes.AsSpan(placeholder), out _);
            return bytes;
        }
    }
}

/// <summary>An order, and when it was to be sent.</summary>
internal readonly record struct PlacedOrder(Guid Id, DateTime Due);
