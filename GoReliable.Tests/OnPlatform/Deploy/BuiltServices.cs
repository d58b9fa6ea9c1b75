using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The three services as these tests have built them, in a folder that others may read and nobody may write to.
/// Published and compiled as for an image, bench/compare runs them.
/// </summary>
internal sealed class BuiltServices : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-built-").FullName;

    private BuiltServices() { }

    /// <summary>Where a service is: <c>Gateway</c>, <c>Orders</c> or <c>Notifications</c>.</summary>
    public string Folder(string service) => Path.Combine(folder, service);

    public static async Task<BuiltServices> CopyAsync()
    {
        var built = new BuiltServices();
        // The same folder as the tests' own: bin/Debug/net10.0.
        var output = Path.GetRelativePath(DeployFiles.Path("GoReliable.Tests"), AppContext.BaseDirectory);
        foreach (var service in new[] { "Gateway", "Orders", "Notifications" })
            await RunAsync("cp", "-R", DeployFiles.Path($"GoReliable.{service}/{output}"), built.Folder(service));
        await RunAsync("chmod", "-R", "a-w,a+rX", built.folder);
        return built;
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("chmod", "-R", "u+w", folder);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output) = await Tool.RunAsync(program, "part of every system", arguments);
        Assert.True(exitCode == 0, output);
    }
}
