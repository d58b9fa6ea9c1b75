using System.Collections;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>Evaluates the environment and the arguments of a resource.</summary>
internal static class Configurations
{
    public static async Task<LaunchContext> EvaluateAsync(IResource resource, int replica, DistributedApplicationExecutionContext execution, Action<string> log, CancellationToken cancellationToken)
    {
        var caller = new ValueProviderContext { ExecutionContext = execution, Caller = resource, Replica = replica };

        var environment = new EnvironmentCallbackContext(execution, resource, cancellationToken: cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
            await annotation.Callback(environment);

        var own = new Dictionary<string, string>();
        foreach (var (name, value) in environment.EnvironmentVariables)
        {
            if (await ResolveAsync(value, caller, cancellationToken) is { } text)
                own[name] = text;
        }

        var arguments = new CommandLineArgsCallbackContext([], resource, cancellationToken) { ExecutionContext = execution };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
            await annotation.Callback(arguments);

        var resolved = new List<string>();
        foreach (var argument in arguments.Args)
        {
            if (await ResolveAsync(argument, caller, cancellationToken) is { } text)
                resolved.Add(text);
        }

        var all = Inherited();
        foreach (var (name, value) in own)
            all[name] = value;

        return new LaunchContext(replica, all, own, resolved, log);
    }

    private static async ValueTask<string?> ResolveAsync(object value, ValueProviderContext caller, CancellationToken cancellationToken) => value switch
    {
        string text => text,
        IValueProvider provider => await provider.GetValueAsync(caller, cancellationToken),
        IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(caller, cancellationToken),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
    };

    // What is meant for the AppHost itself would mislead what it starts: its URLs, its launch profile.
    private static Dictionary<string, string> Inherited() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(e => (string)e.Key is not ("ASPNETCORE_URLS" or "DOTNET_LAUNCH_PROFILE" or "OTEL_SERVICE_NAME" or "OTEL_RESOURCE_ATTRIBUTES") && !((string)e.Key).StartsWith("ASPIRE_", StringComparison.Ordinal))
        .ToDictionary(e => (string)e.Key, e => (string)e.Value!);
}
