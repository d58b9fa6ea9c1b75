using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The AppHost's user secrets: <c>~/.microsoft/usersecrets/ID/secrets.json</c>.</summary>
internal sealed class UserSecrets(Assembly? appHost) : IUserSecretsManager
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The id that <c>dotnet user-secrets --id</c> takes; null when the project has none.</summary>
    public string? Id { get; } = appHost?.GetCustomAttribute<UserSecretsIdAttribute>()?.UserSecretsId;

    /// <inheritdoc/>
    public void GetOrSetSecret(IConfigurationManager configuration, string name, Func<string> valueGenerator)
    {
        if (configuration[name] is null)
            configuration.AddInMemoryCollection(new Dictionary<string, string?> { [name] = GetOrSet(name, valueGenerator) });
    }

    /// <summary>
    /// The value under a key, made and stored first when it is missing. Safe between processes that start at the same time.
    /// As in Aspire, a value that cannot be stored is used all the same: this run works.
    /// </summary>
    public string GetOrSet(string key, Func<string> make)
    {
        try
        {
            return Id is null ? make() : GetOrSet(PathHelper.GetSecretsPathFromSecretsId(Id), key, make);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return make();
        }
    }

    private static string GetOrSet(string path, string key, Func<string> make)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var guard = Lock(path + ".lock");

        var secrets = File.Exists(path) && JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }) is JsonObject existing
            ? existing
            : [];
        if (secrets[key]?.GetValue<string>() is { Length: > 0 } known)
            return known;

        var value = make();
        secrets[key] = value;
        var temporary = path + ".new";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        using (var writer = new StreamWriter(file))
            writer.Write(secrets.ToJsonString(Indented));

        File.Move(temporary, path, overwrite: true);
        return value;
    }

    private static FileStream Lock(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 100)
            {
                // Another AppHost is writing; it needs a few milliseconds.
                Thread.Sleep(20);
            }
        }
    }
}
