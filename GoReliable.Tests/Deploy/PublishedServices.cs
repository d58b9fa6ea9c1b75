namespace GoReliable.Tests.Deploy;

/// <summary>The three services as they are in their images: published for Linux, compiled beforehand, not to be written to.</summary>
public sealed class PublishedServices : IAsyncLifetime
{
    /// <summary>How the workflow publishes, without what makes an image of it.</summary>
    internal static readonly string[] Options =
        ["--configuration", "Release", "--runtime", "linux-x64", "--self-contained", "false", "-p:PublishReadyToRun=true"];

    private static readonly UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead
        | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-published-").FullName;

    /// <summary>Where a service is: <c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</summary>
    public string Folder(string service) => Path.Combine(folder, service);

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Images are for Linux.");
        File.SetUnixFileMode(folder, Readable | UnixFileMode.UserWrite);
        foreach (var service in new[] { "Gateway", "Orders", "Notifications" })
        {
            // A place of its own for what the compiler leaves: the tests' own output stays as it is.
            var (exitCode, output) = await Tool.RunAsync(TimeSpan.FromMinutes(15), "dotnet", "https://dot.net",
            [
                "publish", DeployFiles.Path($"GoReliable.{service}"), .. Options, "--output", Folder(service), "--nologo", "--verbosity", "quiet",
                "--artifacts-path", DeployFiles.Path("GoReliable.Tests/obj/published"), "--disable-build-servers", "-nodeReuse:false",
            ]);
            Assert.True(exitCode == 0, output);
            foreach (var below in Directory.EnumerateDirectories(Folder(service), "*", SearchOption.AllDirectories).Append(Folder(service)))
                File.SetUnixFileMode(below, Readable);
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var below in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(below, Readable | UnixFileMode.UserWrite);
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
