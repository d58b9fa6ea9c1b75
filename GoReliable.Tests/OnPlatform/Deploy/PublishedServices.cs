using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The three services as they are in their images: published for Linux, not to be written to. Only compiling
/// them beforehand, as images are, is left out: it takes minutes, and bench/compare does it.
/// </summary>
internal sealed class PublishedServices : IAsyncDisposable
{
    /// <summary>How the workflow publishes, without what makes an image of it.</summary>
    public static readonly string[] Options =
    [
        .. "--configuration Release --runtime linux-x64 --self-contained false".Split(' '),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-published-").FullName;

    private PublishedServices() { }

    /// <summary>Where a service is: <c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</summary>
    public string Folder(string service) => Path.Combine(folder, service);

    public static async Task<PublishedServices> PublishAsync()
    {
        var published = new PublishedServices();
        foreach (var service in new[] { "Gateway", "Orders", "Notifications" })
        {
            // A place of its own for what the compiler leaves: the tests' own output stays as it is. bench/compare goes
            // on with it. The tests' own build has looked at the same code.
            await RunAsync(
                "dotnet",
                [
                    "publish",
                    DeployFiles.Path($"GoReliable.{service}"),
                    .. Options,
                    "--output",
                    published.Folder(service),
                    "--nologo",
                    "--verbosity",
                    "quiet",
                    "--artifacts-path",
                    DeployFiles.Path("bench/obj/artifacts"),
                    "-p:RunAnalyzers=false",
                    "--disable-build-servers",
                    "-nodeReuse:false",
                ]
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
