using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>Writes e-mails as files, for development and for mail servers that collect them from a folder.</summary>
/// <remarks>The file is named after the event's id, so an e-mail that is sent again replaces the first copy.</remarks>
internal sealed class PickupFolder : IMailTransport
{
    private readonly string folder;

    public PickupFolder(IOptions<EmailOptions> options, IHostEnvironment environment)
    {
        folder = Path.GetFullPath(options.Value.PickupFolder!, environment.ContentRootPath);
        Directory.CreateDirectory(folder);
    }

    public bool IsRemote => false;

    public Task SendAsync(Guid id, MimeMessage email)
    {
        var path = Path.Combine(folder, $"{id}.eml");
        // Moved into place when complete, so that the program that collects the files never sees half of one.
        var unfinished = Path.Combine(folder, $"{id}.{Guid.NewGuid():N}.tmp");
        using var text = new MemoryStream(capacity: 1024);
        email.WriteTo(text);
        try
        {
            // A page at most. Asynchronous file access is a blocking call on another thread, at twice the cost.
            File.WriteAllBytes(unfinished, text.GetBuffer().AsSpan(0, (int)text.Length));
            File.Move(unfinished, path, overwrite: true);
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(unfinished))
                File.Delete(unfinished);
            throw new DeliveryException(
                $"The pickup folder cannot be written to: {exception.GetType().Name}.",
                permanent: false,
                exception
            );
        }
    }
}
