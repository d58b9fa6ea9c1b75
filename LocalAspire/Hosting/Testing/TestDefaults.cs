using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>What differs in a test: random ports, and the AppHost's launch profile read from its project instead of the environment.</summary>
internal static class TestDefaults
{
    private static readonly string[] Prefixes = ["DOTNET_", "ASPNETCORE_"];

    public static void Apply(Assembly appHost, string[] args, DistributedApplicationOptions options, HostApplicationBuilderSettings settings, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    {
        settings.Args = args;
        settings.ApplicationName = appHost.GetName().Name;
        options.Args = args;
        options.AssemblyName = appHost.GetName().Name;
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        if (options.ProjectDirectory is { } directory && Directory.Exists(directory))
            settings.ContentRootPath = directory;

        configure(options, settings);

        var configuration = settings.Configuration ??= new ConfigurationManager();
        var given = new ConfigurationManager();
        given.AddConfiguration(configuration);
        given.AddCommandLine(options.Args ?? []);

        var defaults = new Dictionary<string, string?>();
        Default("DcpPublisher:RandomizePorts", "true");
        AddLaunchProfile();
        configuration.AddInMemoryCollection(defaults);

        void Default(string key, string value)
        {
            if (given[key] is null)
                defaults[key] = value;
        }

        void AddLaunchProfile()
        {
            if (options.ProjectDirectory is not { } project || LaunchSettings.Read(project) is not { Profiles.Count: > 0 } launchSettings)
                return;

            var name = given["DOTNET_LAUNCH_PROFILE"] ?? launchSettings.Profiles.First().Key;
            if (!launchSettings.Profiles.TryGetValue(name, out var profile))
                throw new InvalidOperationException($"The AppHost has no launch profile '{name}'.");

            Default("DOTNET_LAUNCH_PROFILE", name);
            foreach (var (variable, value) in profile.EnvironmentVariables)
            {
                // As the host's own configuration does: DOTNET_ENVIRONMENT is also 'ENVIRONMENT'.
                Default(variable, value);
                foreach (var prefix in Prefixes.Where(p => variable.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
                    Default(variable[prefix.Length..], value);
            }
        }
    }
}
