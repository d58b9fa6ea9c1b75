using System.Reflection;

namespace Aspire.Hosting;

/// <summary>Settings of <see cref="DistributedApplication.CreateBuilder(DistributedApplicationOptions)"/>.</summary>
public sealed class DistributedApplicationOptions
{
    private string? _projectDirectory;

    /// <summary>The command line arguments.</summary>
    public string[]? Args { get; set; }

    /// <summary>The AppHost's assembly; by default the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>Accepted for compatibility: this engine has no dashboard.</summary>
    public bool DisableDashboard { get; set; }

    /// <summary>Accepted for compatibility: there is no dashboard whose transport would matter.</summary>
    public bool AllowUnsecuredTransport { get; set; }

    /// <summary>Whether the output of resources goes to the AppHost's logger; tests want that.</summary>
    public bool EnableResourceLogging { get; set; }

    /// <summary>The AppHost's project directory; by default what the build recorded in its assembly.</summary>
    public string? ProjectDirectory
    {
        get => _projectDirectory ?? Metadata("AppHostProjectPath");
        set => _projectDirectory = value;
    }

    internal Assembly? Assembly => AssemblyName is { Length: > 0 } name ? System.Reflection.Assembly.Load(name) : System.Reflection.Assembly.GetEntryAssembly();

    internal string? ProjectName => Metadata("AppHostProjectName");

    private string? Metadata(string key) => Assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(m => m.Key == key)?.Value;
}
