using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// A JSON file of settings that may change while the service runs, such as log levels; <c>GORELIABLE_CONFIG</c> names it.
/// </summary>
/// <remarks>
/// A file, and not a call to the management port: an operator of Kubernetes edits a ConfigMap, all replicas follow, the
/// change is in version control and survives a restart; and there is no switch that a stranger inside the cluster can turn.
/// </remarks>
internal static class ConfigurationFile
{
    public const string Variable = "GORELIABLE_CONFIG";

    /// <summary>Adds the file, if one is named, over every other source: what can be changed must have the last word.</summary>
    /// <exception cref="InvalidOperationException">It does not exist or is not valid JSON.</exception>
    public static void AddConfigurationFile(this WebApplicationBuilder builder)
    {
        if (builder.Configuration[Variable] is not { Length: > 0 } file)
            return;

        var path = Path.GetFullPath(file);
        if (!File.Exists(path))
            throw new InvalidOperationException($"{Variable} is '{file}', but there is no such file.");

        var started = false;
        builder.Configuration.Sources.Add(new JsonConfigurationSource
        {
            // Polled, every four seconds or eight: a mounted ConfigMap changes by a swapped symbolic link, which no watcher sees.
            FileProvider = new PhysicalFileProvider(Path.GetDirectoryName(path)!) { UsePollingFileWatcher = true, UseActivePolling = true },
            Path = Path.GetFileName(path),
            ReloadOnChange = true,
            OnLoadException = failure =>
            {
                if (!started)
                    throw new InvalidOperationException($"{Variable}, '{file}', cannot be read: {failure.Exception.GetBaseException().Message}", failure.Exception);
                // A slip of the pen must not end a running service. No logger exists this early in a process's life.
                failure.Ignore = true;
                Console.Error.WriteLine($"{Variable}, '{file}', is ignored until it can be read: {failure.Exception.GetBaseException().Message}");
            },
        });
        started = true;
    }
}
