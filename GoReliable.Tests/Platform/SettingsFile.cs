namespace GoReliable.Tests.Platform;

/// <summary>The file that <c>GORELIABLE_CONFIG</c> names and services watch, in a folder of its own.</summary>
internal sealed class SettingsFile : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("goreliable-settings-").FullName;

    public string Path => System.IO.Path.Combine(Folder, "settings.json");

    /// <summary>Writes JSON, right or wrong.</summary>
    public Task WriteAsync(string settings) =>
        File.WriteAllTextAsync(Path, settings, TestContext.Current.CancellationToken);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
