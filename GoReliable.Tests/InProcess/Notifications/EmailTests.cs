using System.ComponentModel.DataAnnotations;
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

    [Fact]
    public void A_sender_whose_headers_cannot_be_ASCII_prevents_the_start() =>
        Assert.Contains(
            "Email:From",
            Assert.Single(Problems(new EmailOptions { From = "bücher@example.com", PickupFolder = "out" }))
        );

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

    [Fact]
    public void Without_a_way_to_send_the_options_say_what_is_missing()
    {
        Assert.Contains("Email:Smtp:Host", Assert.Single(Problems(new EmailOptions { From = "a@example.com" })));
        Assert.Empty(Problems(new EmailOptions { From = "a@example.com", PickupFolder = "out" }));
        Assert.Empty(Problems(new EmailOptions { From = "a@example.com", Smtp = { Host = "localhost" } }));
    }

    private static DeliveryException Explain(SmtpErrorCode code, SmtpStatusCode status) =>
        SmtpTransport.Explain(new SmtpCommandException(code, status, "<alice@example.com> is not here"))!;

    private static List<string?> Problems(EmailOptions options)
    {
        var problems = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), problems, validateAllProperties: true);
        return [.. problems.Select(problem => problem.ErrorMessage)];
    }
}
