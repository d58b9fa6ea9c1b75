using GoReliable.Notifications.Delivery;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class PickupFolderTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("pickup-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task An_email_sent_twice_is_one_file()
    {
        var (folder, id) = (Folder(), Guid.CreateVersion7());

        await SendAsync(folder, id, "first");
        await SendAsync(folder, id, "second");

        var file = Assert.Single(Directory.GetFiles(Path.Combine(root, "out")));
        Assert.Equal($"{id}.eml", Path.GetFileName(file));
        Assert.Equal("second", (await MimeMessage.LoadAsync(file, TestContext.Current.CancellationToken)).Subject);
    }

    [Fact]
    public async Task A_folder_that_takes_no_file_is_a_transient_failure()
    {
        var folder = Folder();
        Directory.Delete(Path.Combine(root, "out"));

        var failure = await Assert.ThrowsAsync<DeliveryException>(() =>
            SendAsync(folder, Guid.CreateVersion7(), "lost")
        );

        Assert.False(failure.Permanent);
    }

    private PickupFolder Folder() =>
        new(
            Options.Create(new EmailOptions { PickupFolder = "out" }),
            new HostingEnvironment { ContentRootPath = root }
        );

    private static Task SendAsync(PickupFolder folder, Guid id, string subject) =>
        folder.SendAsync(id, new MimeMessage([], [], subject, new TextPart("plain") { Text = "" }));
}
