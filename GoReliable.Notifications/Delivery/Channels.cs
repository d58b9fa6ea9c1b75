using System.Diagnostics;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Chaos;
using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>
/// The channels to a customer. An order with a contact address gets e-mails. Without one, the customer can ask for the
/// notifications.
/// </summary>
internal sealed class Channels(
    IMailTransport mail,
    ChaosSwitches chaos,
    IOptions<EmailOptions> email,
    IOptions<DeliveryOptions> delivery,
    Telemetry telemetry,
    TimeProvider time
)
{
    public const string Email = "email";

    /// <summary>The stored notification is the delivery.</summary>
    public const string InApp = "in_app";

    public static IReadOnlyList<string> Names { get; } = [Email, InApp];

    private readonly MailboxAddress from = MailboxAddress.Parse(email.Value.From);

    public static string For(OrderEvent @event) => @event.ContactEmail is null ? InApp : Email;

    /// <summary>Whether the time of a delivery depends on an external server.</summary>
    public bool IsRemote(OrderEvent @event) => @event.ContactEmail is not null && mail.IsRemote;

    /// <summary>Does everything that a delivery does, except sending.</summary>
    public void DryRun(OrderEvent @event)
    {
        try
        {
            if (@event.ContactEmail is null)
                return;
            using var email = OrderEmail.Write(@event, from);
            email.WriteTo(Stream.Null);
        }
        catch (Exception)
        {
            // The real attempt will report it.
        }
    }

    /// <summary>
    /// Makes one attempt. It is not cancelled when the service stops: it would be unknown whether the message arrived.
    /// </summary>
    /// <returns>The receipt, or why there is none.</returns>
    public async Task<(Receipt? Receipt, Failure? Failure)> DeliverAsync(OrderEvent @event)
    {
        var channel = For(@event);
        var failure = channel == Email ? await SendEmailAsync(@event) : null;

        telemetry.DeliveryAttempted(channel, failure);
        return failure is null ? (new Receipt(channel, time.GetUtcNow()), null) : (null, failure);
    }

    private async Task<Failure?> SendEmailAsync(OrderEvent @event)
    {
        using var activity = Telemetry.Source.StartActivity(
            "send email",
            mail.IsRemote ? ActivityKind.Client : ActivityKind.Internal
        );
        try
        {
            await InjectAsync();
            // Disposed of: an e-mail that is left to its finalizer survives a collection, with all that it consists of.
            using var email = OrderEmail.Write(@event, from);
            await mail.SendAsync(@event.Id, email);
            return null;
        }
        catch (Exception exception)
        {
            var failed =
                exception as DeliveryException
                ?? new DeliveryException($"Unexpected {exception.GetType().Name}.", permanent: false, exception);
            var cause = failed.Cause ?? failed;

            activity?.SetTag("error.type", cause.GetType().FullName);
            activity?.SetStatus(ActivityStatusCode.Error, failed.Message);
            activity?.AddException(failed);
            return new Failure(failed.Permanent, "rejected", cause.GetType().FullName!, failed.Message, cause.Message);
        }
    }

    // A delay counts like one of the mail server.
    private async Task InjectAsync()
    {
        using var timeout = new CancellationTokenSource(delivery.Value.Timeout, time);
        try
        {
            await chaos.Channel.InjectAsync(timeout.Token);
        }
        catch (OperationCanceledException exception)
        {
            throw DeliveryException.TooLate(delivery.Value.Timeout, exception);
        }
    }
}
