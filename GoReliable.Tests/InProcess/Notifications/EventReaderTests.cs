using System.Text;
using GoReliable.Notifications.Messages;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class EventReaderTests
{
    [Fact]
    public void Unknown_fields_are_ignored()
    {
        var (read, _) = Read(
            Events
                .Created.Replace("\"specversion\"", "\"tomorrow\": { \"deep\": [1, { \"x\": null }] }, \"specversion\"")
                .Replace("\"version\": 1", "\"version\": 1, \"gift\": true")
        );

        Assert.Equal("alice", read?.CustomerId);
    }

    [Fact]
    public void Optional_fields_may_be_missing()
    {
        var (read, poison) = Read(
            """
            {"id":"0195f1a0-0000-7000-8000-000000000001","type":"goreliable.order.cancelled.v1",
            "time":"2026-03-04T05:06:07Z",
             "data":{"orderId":"0195f1a0-0000-7000-8000-000000000002","customerId":"alice"}}
            """
        );

        Assert.Null(poison);
        Assert.Equal("order.cancelled", read?.Type.Name);
        Assert.Null(read?.ContactEmail);
    }

    [Theory]
    [InlineData("", "unreadable")]
    [InlineData("[]", "unreadable")]
    [InlineData("null", "unknown_type")]
    [InlineData("{\"id\":\"no uuid\",\"type\":\"goreliable.order.created.v1\"}", "unreadable")]
    [InlineData("{\"type\":\"goreliable.order.created.v2\"}", "unknown_type")]
    [InlineData("{\"type\":\"GoReliable.Order.Created.v1\"}", "unknown_type")]
    public void An_unreadable_event_is_poison_with_a_reason(string body, string reason)
    {
        var (read, poison) = Read(body);

        Assert.Null(read);
        Assert.Equal(reason, poison?.Reason);
        Assert.True(poison?.Permanent);
    }

    // The last two the database might refuse.
    [Theory]
    [InlineData("\"id\": \"0195f1a0-0000-7000-8000-000000000001\",", "")]
    [InlineData("\"time\": \"2026-03-04T05:06:07Z\",", "")]
    [InlineData("\"orderId\": \"0195f1a0-0000-7000-8000-000000000002\",", "")]
    [InlineData("\"customerId\": \"alice\",", "")]
    [InlineData("\"alice\"", "\"\"")]
    [InlineData("\"alice\"", "\"a\\u0000b\"")]
    public void An_event_without_a_field_that_is_needed_is_poison(string field, string instead) =>
        Assert.Equal("incomplete", Read(Events.Created.Replace(field, instead)).Poison?.Reason);

    [Fact]
    public void Bytes_that_are_not_UTF8_are_poison()
    {
        Assert.False(EventReader.TryRead([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x7D], out _, out var poison));
        Assert.Equal("unreadable", poison.Reason);
    }

    [Fact]
    public void The_summary_of_poison_quotes_nothing_from_the_body()
    {
        var (_, unreadable) = Read("secret@example.com");
        var (_, unknown) = Read("""{"type":"secret@example.com"}""");

        Assert.DoesNotContain("secret", unreadable!.Summary);
        Assert.DoesNotContain("secret", unknown!.Summary);
    }

    private static (OrderEvent? Read, Failure? Poison) Read(string body)
    {
        EventReader.TryRead(Encoding.UTF8.GetBytes(body), out var read, out var poison);
        return (read, poison);
    }
}
