using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Collects the resources of an application.</summary>
public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private static readonly Dictionary<string, string> SwitchMappings = new()
    {
        ["--operation"] = "AppHost:Operation",
        ["--publisher"] = "Publishing:Publisher",
        ["--step"] = "Pipeline:Step",
        ["--output-path"] = "Pipeline:OutputPath",
    };

    private readonly HostApplicationBuilder _inner;
    private readonly DistributedApplicationOptions _options;
    private readonly EntryPoint? _entryPoint = EntryPoint.Current;

    /// <summary>Creates a builder.</summary>
    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    /// <summary>Creates a builder.</summary>
    public DistributedApplicationBuilder(DistributedApplicationOptions options) : this(options, settings => EntryPoint.Current?.OnConstructing(options, settings))
    {
    }

    internal DistributedApplicationBuilder(DistributedApplicationOptions options, Action<HostApplicationBuilderSettings> configure)
    {
        _options = options;
        var settings = new HostApplicationBuilderSettings { Args = options.Args, Configuration = new ConfigurationManager() };
        settings.Configuration.AddEnvironmentVariables("ASPIRE_");
        configure(settings);

        _inner = new HostApplicationBuilder(settings);
        _inner.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        // A failed start is said in a sentence, not with a stack trace.
        _inner.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        _inner.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        AppHostDirectory = options.ProjectDirectory ?? _inner.Environment.ContentRootPath;
        if (options.Args is { Length: > 0 })
            Configuration.AddCommandLine(options.Args, SwitchMappings);

        ExecutionContext = new DistributedApplicationExecutionContext(ReadOperation(), Configuration["Publishing:Publisher"] ?? "manifest");

        var name = options.ProjectName ?? Environment.ApplicationName;
        Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:Directory"] = AppHostDirectory,
            // Running, the hash tells apart AppHosts of one name in different places; published, it is the same everywhere.
            ["AppHost:Sha256"] = Hash(ExecutionContext.IsPublishMode ? name : Path.GetFullPath(Path.Join(AppHostDirectory, name)).ToLowerInvariant()),
        });

        Services.AddSingleton(options);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(Eventing);
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddHttpClient();
        Services.AddOrchestration();
    }

    /// <inheritdoc/>
    public ConfigurationManager Configuration => _inner.Configuration;

    /// <inheritdoc/>
    public string AppHostDirectory { get; }

    /// <inheritdoc/>
    public Assembly? AppHostAssembly => _options.Assembly;

    /// <inheritdoc/>
    public IHostEnvironment Environment => _inner.Environment;

    /// <inheritdoc/>
    public IServiceCollection Services => _inner.Services;

    /// <inheritdoc/>
    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    /// <inheritdoc/>
    public DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <inheritdoc/>
    public IResourceCollection Resources { get; } = new ResourceCollection();

    /// <inheritdoc/>
    public IUserSecretsManager UserSecretsManager => new UserSecrets(AppHostAssembly);

    /// <inheritdoc/>
    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    /// <inheritdoc/>
    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => new DistributedApplicationResourceBuilder<T>(this, resource);

    /// <inheritdoc/>
    public DistributedApplication Build()
    {
        _entryPoint?.OnBuilding(this);
        var host = _inner.Build();
        ExecutionContext.Services = host.Services;
        var application = new DistributedApplication(host, _entryPoint);
        _entryPoint?.OnBuilt(application);
        return application;
    }

    private DistributedApplicationOperation ReadOperation() => Configuration["AppHost:Operation"]?.ToLowerInvariant() switch
    {
        "run" => DistributedApplicationOperation.Run,
        "publish" => DistributedApplicationOperation.Publish,
        null => Configuration["Publishing:Publisher"] is null ? DistributedApplicationOperation.Run : DistributedApplicationOperation.Publish,
        var other => throw new DistributedApplicationException($"Unknown operation '{other}': it is 'run' or 'publish'."),
    };

    private static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
