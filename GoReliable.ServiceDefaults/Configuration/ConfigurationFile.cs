using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// A JSON file of settings that may change while the service runs, such as log levels; <c>GORELIABLE_CONFIG</c> names
/// it. When it is deleted or cannot be read any more, its last readable values stay.
/// </summary>
/// <remarks>
/// A file, and not a call to the management port: an operator of Kubernetes edits a ConfigMap, all replicas follow, the
/// change is in version control and survives a restart; and there is no switch that a stranger inside the cluster can
/// turn. .NET's own provider would drop all values with the first mistake.
/// </remarks>
internal sealed class ConfigurationFile(string path) : ConfigurationProvider, IConfigurationSource
{
    private byte[]? content;
    private volatile JsonStreamConfigurationProvider? values;

    public string Path => path;

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override void Load() => Read();

    /// <summary>Reads the file again, and notifies those who use its values if they have changed.</summary>
    /// <exception cref="AggregateException">Thrown by those who use its values.</exception>
    /// <exception cref="Exception">It cannot be read.</exception>
    public void Reload()
    {
        if (Read())
            OnReload();
    }

    public override bool TryGet(string key, out string? value) => values!.TryGet(key, out value);

    public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) =>
        values!.GetChildKeys(earlierKeys, parentPath);

    private bool Read()
    {
        var read = File.ReadAllBytes(path);
        // At first there is none, which a span would take for an empty one.
        if (content is not null && read.AsSpan().SequenceEqual(content))
            return false;
        var parsed = new JsonStreamConfigurationProvider(
            new JsonStreamConfigurationSource { Stream = new MemoryStream(read) }
        );
        parsed.Load();
        (values, content) = (parsed, read);
        return true;
    }
}

internal static class ConfigurationFileExtensions
{
    private const string Variable = "GORELIABLE_CONFIG";

    /// <summary>
    /// Adds the file, if one is named, on top of every other source: a value that can be changed must take effect.
    /// </summary>
    /// <exception cref="InvalidSettingException">It does not exist or is not valid JSON.</exception>
    public static void AddConfigurationFile(this WebApplicationBuilder builder)
    {
        if (builder.Configuration[Variable] is not { Length: > 0 } name)
            return;
        if (!File.Exists(name))
            throw new InvalidSettingException($"{Variable} is '{name}', but there is no such file.");

        var file = new ConfigurationFile(Path.GetFullPath(name));
        try
        {
            builder.Configuration.Sources.Add(file);
        }
        catch (Exception exception)
        {
            throw new InvalidSettingException(
                $"{Variable}, '{name}', cannot be read: {exception.GetBaseException().Message}"
            );
        }
        builder.Services.AddSingleton(file);
        builder.Services.AddHostedService<ConfigurationFileWatch>();
    }
}
