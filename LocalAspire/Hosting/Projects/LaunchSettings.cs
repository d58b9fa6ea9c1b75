using System.Text.Json;
using System.Text.Json.Serialization;

namespace Aspire.Hosting;

/// <summary>A project's <c>Properties/launchSettings.json</c>.</summary>
public sealed class LaunchSettings
{
    private static readonly JsonSerializerOptions Options = new() { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The profiles, in the order of the file.</summary>
    [JsonPropertyName("profiles")]
    public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];

    internal static LaunchSettings? Read(string projectDirectory)
    {
        var path = Path.Combine(projectDirectory, "Properties", "launchSettings.json");
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<LaunchSettings>(File.ReadAllText(path), Options) : null;
        }
        catch (JsonException e)
        {
            throw new DistributedApplicationException($"{path} is not valid: {e.Message}", e);
        }
    }

    /// <summary>The profile that a project is started with: the chosen one, else the AppHost's if the project has it, else the first that starts a project.</summary>
    internal static (string Name, LaunchProfile Profile)? Select(IProjectMetadata project, ProjectResourceOptions options, string? appHostProfile)
    {
        if (options.ExcludeLaunchProfile)
            return null;

        if (!File.Exists(project.ProjectPath))
            throw new DistributedApplicationException($"There is no project file '{project.ProjectPath}'.");

        var profiles = (project.LaunchSettings ?? Read(Path.GetDirectoryName(project.ProjectPath)!))?.Profiles ?? [];
        if (options.LaunchProfileName is { Length: > 0 } chosen)
        {
            return profiles.TryGetValue(chosen, out var profile)
                ? (chosen, profile)
                : throw new DistributedApplicationException($"The project '{project.ProjectPath}' has no launch profile '{chosen}'.");
        }

        if (appHostProfile is not null && profiles.TryGetValue(appHostProfile, out var same))
            return (appHostProfile, same);

        var first = profiles.FirstOrDefault(p => string.IsNullOrEmpty(p.Value.CommandName) || p.Value.CommandName is "Project" or "Executable");
        return first.Value is null ? null : (first.Key, first.Value);
    }
}

/// <summary>One way to start a project.</summary>
public sealed class LaunchProfile
{
    /// <summary><c>Project</c> for those that start the project.</summary>
    [JsonPropertyName("commandName")]
    public string? CommandName { get; set; }

    /// <summary>Arguments.</summary>
    [JsonPropertyName("commandLineArgs")]
    public string? CommandLineArgs { get; set; }

    /// <summary>What a browser opens.</summary>
    [JsonPropertyName("launchUrl")]
    public string? LaunchUrl { get; set; }

    /// <summary>URLs to listen on, separated by semicolons.</summary>
    [JsonPropertyName("applicationUrl")]
    public string? ApplicationUrl { get; set; }

    /// <summary>Variables.</summary>
    [JsonPropertyName("environmentVariables")]
    public Dictionary<string, string> EnvironmentVariables { get; set; } = [];
}
