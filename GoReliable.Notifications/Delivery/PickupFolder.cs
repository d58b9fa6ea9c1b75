using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>Writes e-mails as files, for development and for mail servers that collect them from a folder.</summary>
/// <remarks>The event's id is the file's name: sent again, an e-mail replaces itself.</remarks>
internal sealed class PickupFolder : IMailTransport
{
    private readonly string folder;

    public PickupFolder(IOptions<EmailOptions> options, IHostEnvironment environment)
    {
        folder = Path.GetFullPath(options.Value.PickupFolder!, environment.ContentRootPath);
        Directory.CreateDirectory(folder);
    }

    public bool IsRemote => false;

    public async Task SendAsync(Guid id, MimeMessage email, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, $"{id}.eml");
        // Moved into place when complete: whoever collects the files never sees half of one.
        var unfinished = Path.Combine(folder, $"{id}.{Guid.NewGuid():N}.tmp");
        try
        {
            await using (var file = File.Create(unfinished))
                await email.WriteToAsync(file, cancellationToken);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(unfinished))
                File.Delete(unfinished);
            throw new DeliveryException($"The pickup folder takes no file: {exception.GetType().Name}.", permanent: false, exception);
        }
    }
}
