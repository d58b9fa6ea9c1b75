using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The three services as they are in their images, from what these tests have built: published, not to be written to.
/// Compiled as for an image, for Release and beforehand, bench/compare publishes and runs them.
/// </summary>
internal sealed class PublishedServices : IAsyncDisposable
{
    // Of these tests, as in bin/Debug/net10.0.
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-published-").FullName;

    private PublishedServices() { }

    /// <summary>Where a service is: <c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</summary>
    public string Folder(string service) => Path.Combine(folder, service);

    public static async Task<PublishedServices> PublishAsync()
    {
        var published = new PublishedServices();
        foreach (var service in new[] { "Gateway", "Orders", "Notifications" })
        {
            await RunAsync(
                "dotnet",
                "publish",
                DeployFiles.Path($"GoReliable.{service}"),
                "--no-build",
                "--configuration",
                Configuration,
                "--output",
                published.Folder(service),
                "--nologo",
                "--verbosity",
                "quiet",
                "-nodeReuse:false"
            );
        }
        await RunAsync("chmod", "-R", "a-w,a+rX", published.folder);
        return published;
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("chmod", "-R", "u+w", folder);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output) = await Tool.RunAsync(
            TimeSpan.FromMinutes(15),
            program,
            "part of every system",
            arguments
        );
        Assert.True(exitCode == 0, output);
    }
}
