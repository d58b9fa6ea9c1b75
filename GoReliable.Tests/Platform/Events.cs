using System.Text;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;

namespace GoReliable.Tests.Platform;

/// <summary>Events and messages for tests of the worker's parts.</summary>
internal static class Events
{
    public static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    public const string Created = """
        {
          "specversion": "1.0", "id": "0195f1a0-0000-7000-8000-000000000001", "source": "/goreliable/orders",
          "type": "goreliable.order.created.v1",
          "subject": "0195f1a0-0000-7000-8000-000000000002", "time": "2026-03-04T05:06:07Z",
          "datacontenttype": "application/json",
          "data": {
            "orderId": "0195f1a0-0000-7000-8000-000000000002", "customerId": "alice", "status": "pending",
            "currency": "EUR", "total": 12.50,
            "contactEmail": "alice@example.com", "version": 1,
            "items": [{ "sku": "a", "quantity": 1, "unitPrice": 12.50 }]
          }
        }
        """;

    public static OrderEvent OrderEvent(string? contactEmail = "alice@example.com", int type = 0) =>
        new(
            Guid.CreateVersion7(),
            OrderEventType.All[type],
            Time,
            Guid.CreateVersion7(),
            "alice",
            contactEmail,
            12.50m,
            "EUR",
            Version: 1
        );

    public static Message Message(IDictionary<string, object?>? headers = null, string body = Created) =>
        new(
            1,
            "orders",
            "order.created",
            new BasicProperties
            {
                MessageId = "m1",
                Type = "t",
                Headers = headers,
                Expiration = "5",
            },
            Encoding.UTF8.GetBytes(body)
        );
}
