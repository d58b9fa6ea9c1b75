using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The three services as they are in their images: published for Linux, not to be written to. Only compiling
/// them beforehand, as images are, is left out: it takes minutes, and bench/compare does it.
/// </summary>
public sealed class PublishedServices : IAsyncLifetime
{
    /// <summary>How the workflow publishes, without what makes an image of it.</summary>
    internal static readonly string[] Options =
    [
        "--configuration",
        "Release",
        "--runtime",
        "linux-x64",
        "--self-contained",
        "false",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-published-").FullName;

    /// <summary>Where a service is: <c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</summary>
    public string Folder(string service) => Path.Combine(folder, service);

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Images are for Linux.");
        foreach (var service in new[] { "Gateway", "Orders", "Notifications" })
        {
            // A place of its own for what the compiler leaves: the tests' own output stays as it is. bench/compare goes
            // on with it.
            var (exitCode, output) = await Tool.RunAsync(
                TimeSpan.FromMinutes(15),
                "dotnet",
                "https://dot.net",
                [
                    "publish",
                    DeployFiles.Path($"GoReliable.{service}"),
                    .. Options,
                    "--output",
                    Folder(service),
                    "--nologo",
                    "--verbosity",
                    "quiet",
                    "--artifacts-path",
                    DeployFiles.Path("bench/obj/artifacts"),
                    // The tests' own build has looked at the same code.
                    "-p:RunAnalyzers=false",
                    "--disable-build-servers",
                    "-nodeReuse:false",
                ]
            );
            Assert.True(exitCode == 0, output);
        }
        await ChangeAccessAsync("a-w,a+rX");
    }

    public async ValueTask DisposeAsync()
    {
        if (OperatingSystem.IsLinux())
            await ChangeAccessAsync("u+w");
        Directory.Delete(folder, recursive: true);
    }

    private async Task ChangeAccessAsync(string mode)
    {
        var (exitCode, output) = await Tool.RunAsync("chmod", "part of every system", "-R", mode, folder);
        Assert.True(exitCode == 0, output);
    }
}
