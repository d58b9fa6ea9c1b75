using System.Reflection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Resources;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>The identity of the service in every metric, span and log line: OpenTelemetry's resource.</summary>
internal sealed class ServiceResource(IHostEnvironment environment)
{
    private const string Namespace = "goreliable";

    // "GoReliable.Gateway" is the gateway.
    private readonly string name = environment.ApplicationName.Split('.')[^1].ToLowerInvariant();

    /// <summary><c>service.name</c> as it ends up in the resource.</summary>
    public string Name =>
        (string)
            Describe(ResourceBuilder.CreateEmpty())
                .Build()
                .Attributes.Last(attribute => attribute.Key == "service.name")
                .Value;

    /// <summary>
    /// Adds the service's attributes; <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> win over them.
    /// </summary>
    public ResourceBuilder Describe(ResourceBuilder resource) =>
        resource
            .AddService(name, Namespace, Version())
            .AddAttributes([new("deployment.environment.name", environment.EnvironmentName.ToLowerInvariant())])
            .AddEnvironmentVariableDetector();

    // With the commit, where the build knew it: 0.1.0+5a0c1f….
    private static string? Version() =>
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
