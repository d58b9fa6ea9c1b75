using System.ComponentModel.DataAnnotations;
using System.Runtime.CompilerServices;
using System.Text;
using GoReliable.Notifications.Delivery;
using GoReliable.Tests.Platform;
using MailKit.Net.Smtp;
using MimeKit;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class EmailTests
{
    private static readonly MailboxAddress From = MailboxAddress.Parse("Shop <orders@shop.example>");

    [Theory]
    [InlineData(0, "received")]
    [InlineData(1, "confirmed")]
    [InlineData(2, "cancelled")]
    public void An_email_says_what_happened_to_which_order(int type, string happened)
    {
        var @event = Events.OrderEvent(type: type);

        var email = OrderEmail.Write(@event, From);

        Assert.Equal($"Order {@event.OrderId} {happened}", email.Subject);
        Assert.Equal($"Hello,\n\nyour order {@event.OrderId} over 12.50 EUR has been {happened}.\n", email.TextBody);
        Assert.Equal("alice@example.com", Assert.Single(email.To.Mailboxes).Address);
        Assert.Equal($"{@event.Id}@shop.example", email.MessageId);
        Assert.Equal(Events.Time, email.Date);
    }

    [Fact]
    public void The_senders_address_does_not_keep_emails_in_memory()
    {
        var from = From.Clone();
        var email = WriteAndForget(from);

        GC.Collect();
        Assert.False(email.IsAlive);
        GC.KeepAlive(from);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference WriteAndForget(InternetAddress from) =>
            new(OrderEmail.Write(Events.OrderEvent(), (MailboxAddress)from));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a@example.com, b@example.com")]
    [InlineData("a@example.com\r\nBcc: b@example.com")]
    [InlineData("=?utf-8?q?a=40b=2eexample?=@mail.example")]
    [InlineData("\"=?utf-8?q?a=40b=2eexample?=\"@mail.example")]
    [InlineData("=?utf-8?q?a=40b=2eexample?= <a@mail.example>")]
    [InlineData("ä@mail.example")]
    public void Anything_but_one_address_is_refused_permanently(string address)
    {
        var refused = Assert.Throws<DeliveryException>(() => OrderEmail.Write(Events.OrderEvent(address), From));

        Assert.True(refused.Permanent);
    }

    [Theory]
    [InlineData("Shop <orders@bücher.example>", "alice@example.com", "alice@example.com")]
    [InlineData("Bücher <orders@bücher.example>", "alice@münchen.example", "alice@xn--mnchen-3ya.example")]
    [InlineData("orders@xn--bcher-kva.example", "alice@xn--mnchen-3ya.example", "alice@xn--mnchen-3ya.example")]
    public void Every_header_is_ASCII_whatever_the_domains(string sender, string recipient, string written)
    {
        var @event = Events.OrderEvent(recipient);

        using var text = new MemoryStream();
        OrderEmail.Write(@event, MailboxAddress.Parse(sender)).WriteTo(text, TestContext.Current.CancellationToken);

        var email = Encoding.Latin1.GetString(text.ToArray());
        var headers = email[..email.ReplaceLineEndings("\n").IndexOf("\n\n", StringComparison.Ordinal)];
        Assert.All(headers, character => Assert.True(char.IsAscii(character), headers));
        Assert.Contains($"To: {written}", headers);
        Assert.Matches($"Message-Id: ?\\s*<{@event.Id}@[a-z.-]+>", headers);
    }

    [Theory]
    [InlineData(SmtpErrorCode.RecipientNotAccepted, SmtpStatusCode.MailboxUnavailable, true)]
    [InlineData(SmtpErrorCode.MessageNotAccepted, SmtpStatusCode.TransactionFailed, true)]
    [InlineData(SmtpErrorCode.RecipientNotAccepted, SmtpStatusCode.MailboxBusy, false)]
    [InlineData(SmtpErrorCode.SenderNotAccepted, SmtpStatusCode.MailboxUnavailable, false)]
    public void Only_a_mailbox_or_message_that_is_refused_for_good_is_a_permanent_failure(
        SmtpErrorCode code,
        SmtpStatusCode status,
        bool permanent
    ) => Assert.Equal(permanent, Explain(code, status).Permanent);

    [Fact]
    public void A_servers_answer_is_not_logged()
    {
        var explained = Explain(SmtpErrorCode.RecipientNotAccepted, SmtpStatusCode.MailboxUnavailable);

        Assert.DoesNotContain("alice@example.com", explained.ToString());
        Assert.Contains("alice@example.com", explained.Cause!.Message);
    }

    [Theory]
    [InlineData("a@example.com", "out", null, null)]
    [InlineData("a@example.com", null, "localhost", null)]
    [InlineData("a@example.com", null, null, "Email:Smtp:Host")]
    // Its headers could not be ASCII.
    [InlineData("bücher@example.com", "out", null, "Email:From")]
    public void An_option_that_is_missing_or_wrong_is_named(string from, string? folder, string? host, string? named)
    {
        var options = new EmailOptions
        {
            From = from,
            PickupFolder = folder,
            Smtp = { Host = host },
        };
        var problems = new List<ValidationResult>();

        Validator.TryValidateObject(options, new ValidationContext(options), problems, validateAllProperties: true);

        Assert.Equal(named is null ? 0 : 1, problems.Count);
        Assert.All(problems, problem => Assert.Contains(named!, problem.ErrorMessage));
    }

    private static DeliveryException Explain(SmtpErrorCode code, SmtpStatusCode status) =>
        SmtpTransport.Explain(new SmtpCommandException(code, status, "<alice@example.com> is not here"))!;
}
