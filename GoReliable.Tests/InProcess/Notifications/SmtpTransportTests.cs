using GoReliable.Notifications.Delivery;
using GoReliable.Tests.Platform;
using MailKit.Security;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace GoReliable.Tests.InProcess.Notifications;

/// <summary>How long a mail server is waited for, and what becomes of a connection that it has ended.</summary>
public sealed class SmtpTransportTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider time = new();

    [Fact]
    public async Task A_server_that_has_the_whole_email_has_ten_minutes_to_answer()
    {
        await using var server = new MailServer { BeforeYes = _ => new TaskCompletionSource().Task };
        using var transport = Transport(server);

        var sending = SendAsync(transport);
        await Poll.UntilAsync(
            "the e-mail at the server",
            () => Task.FromResult(server.Received.Count),
            count => count == 1
        );
        time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.False(sending.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var late = await Assert.ThrowsAsync<DeliveryException>(() => sending);
        Assert.Equal(
            (false, "The mail server took the e-mail but did not answer within 00:10:00."),
            (late.Permanent, late.Message)
        );
    }

    [Fact]
    public async Task Until_the_email_is_complete_the_short_timeout_applies()
    {
        var asked = new TaskCompletionSource();
        await using var server = new MailServer
        {
            BeforeRecipient = _ =>
            {
                asked.SetResult();
                return new TaskCompletionSource().Task;
            },
        };
        using var transport = Transport(server);

        var sending = SendAsync(transport);
        await asked.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(10));

        var late = await Assert.ThrowsAsync<DeliveryException>(() => sending);
        Assert.Equal((false, "Not delivered within 00:00:10."), (late.Permanent, late.Message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("421 mail.example closes\r\n")]
    [InlineData("nonsense\r\n")]
    public async Task A_kept_connection_that_the_server_closed_is_replaced_and_costs_no_attempt(string farewell)
    {
        await using var server = new MailServer { Farewell = farewell };
        using var transport = Transport(server);

        for (var i = 0; i < 3; i++)
            await SendAsync(transport);

        Assert.Equal(3, server.Received.Count);
    }

    [Fact]
    public async Task After_a_burst_the_connections_that_are_not_needed_are_closed()
    {
        var together = new TaskCompletionSource();
        await using var server = new MailServer { BeforeYes = _ => together.Task };
        using var transport = Transport(server);
        var burst = Enumerable.Range(0, 5).Select(_ => SendAsync(transport)).ToArray();
        await ConnectionsAsync(5);
        together.SetResult();
        await Task.WhenAll(burst);

        // An e-mail every two seconds, all on the last connection, until the others are too old.
        for (var i = 0; i < 11; i++)
        {
            time.Advance(TimeSpan.FromSeconds(2));
            await SendAsync(transport);
        }

        await ConnectionsAsync(1);

        Task ConnectionsAsync(int expected) =>
            Poll.UntilAsync(
                $"{expected} connection(s)",
                () => Task.FromResult(server.Connections),
                count => count == expected
            );
    }

    private SmtpTransport Transport(MailServer server)
    {
        var email = new EmailOptions();
        (email.Smtp.Host, email.Smtp.Port, email.Smtp.Security) = ("127.0.0.1", server.Port, SecureSocketOptions.None);
        return new(Options.Create(email), Options.Create(new DeliveryOptions()), time);
    }

    private static Task SendAsync(SmtpTransport transport)
    {
        var @event = Events.OrderEvent();
        return transport
            .SendAsync(@event.Id, OrderEmail.Write(@event, MailboxAddress.Parse("Shop <orders@shop.example>")))
            .WaitAsync(Patience, TestContext.Current.CancellationToken);
    }
}
