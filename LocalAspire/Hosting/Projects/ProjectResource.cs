using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting
{
    /// <summary>Where a project is.</summary>
    public interface IProjectMetadata : IResourceAnnotation
    {
        /// <summary>The project file.</summary>
        string ProjectPath { get; }

        /// <summary>The launch settings, where they do not come from the project's directory.</summary>
        LaunchSettings? LaunchSettings => null;

        /// <summary>Whether the project is built already.</summary>
        bool SuppressBuild => false;

        /// <summary>The built assembly, which the AppHost's build records; null when it has to be asked for.</summary>
        string? TargetPath => null;
    }

    internal sealed class ProjectMetadata(string projectPath) : IProjectMetadata
    {
        public string ProjectPath => projectPath;
    }

    /// <summary>A resource whose endpoints others find by its name.</summary>
    public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

    /// <summary>How a project is added.</summary>
    public class ProjectResourceOptions
    {
        /// <summary>The launch profile; null means the AppHost's own or the first.</summary>
        public string? LaunchProfileName { get; set; }

        /// <summary>Whether launch profiles are ignored.</summary>
        public bool ExcludeLaunchProfile { get; set; }

        /// <summary>Whether endpoints in the project's Kestrel configuration are ignored.</summary>
        public bool ExcludeKestrelEndpoints { get; set; }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>A .NET project.</summary>
    public class ProjectResource(string name)
        : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport;

    /// <summary>Questions that one asks of a project.</summary>
    public static class ProjectResourceExtensions
    {
        /// <summary>Where the project is.</summary>
        public static IProjectMetadata GetProjectMetadata(this ProjectResource projectResource) =>
            projectResource.Annotations.OfType<IProjectMetadata>().Last();
    }
}
