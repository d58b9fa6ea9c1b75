using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>
/// Writes resources as Aspire 13.5.2 does, down to the order of properties
/// (https://github.com/microsoft/aspire/blob/v13.5.2/src/Aspire.Hosting/Publishing/ManifestPublishingContext.cs).
/// Paths are relative to <c>directory</c>, where the manifest will be.
/// </summary>
internal sealed class ManifestWriter(Utf8JsonWriter json, string directory, DistributedApplicationExecutionContext context, CancellationToken cancellationToken)
{
    private readonly ManifestReferences _references = new();
    private readonly ManifestPorts _ports = new();

    public async Task WriteAsync(DistributedApplicationModel model)
    {
        _references.Reserve(model.Resources.Select(r => r.Name));

        json.WriteStartObject();
        json.WriteStartObject("resources");
        foreach (var resource in model.Resources)
            await WriteResourceAsync(resource);

        // What expressions mention and the model does not list, such as generated passwords.
        foreach (var resource in _references.Resources.Except(model.Resources).ToList())
            await WriteResourceAsync(resource);

        WriteEncodedParameters(_references.TakeEncoded());
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private async Task WriteResourceAsync(IResource resource)
    {
        json.WriteStartObject(resource.Name);
        switch (resource)
        {
            case ContainerResource container:
                await WriteContainerAsync(container);
                break;
            case ProjectResource project:
                json.WriteString("type", "project.v0");
                json.WriteString("path", Relative(project.GetProjectMetadata().ProjectPath));
                await WriteArgumentsAsync(project);
                await WriteEnvironmentAsync(project);
                _ports.WriteBindings(json, project);
                break;
            case ExecutableResource executable:
                json.WriteString("type", "executable.v0");
                json.WriteString("workingDirectory", Relative(executable.WorkingDirectory));
                json.WriteString("command", executable.Command);
                await WriteArgumentsAsync(executable);
                await WriteEnvironmentAsync(executable);
                _ports.WriteBindings(json, executable);
                break;
            case ParameterResource parameter:
                ManifestParameters.Write(json, parameter);
                break;
            case IResourceWithConnectionString:
                json.WriteString("type", "value.v0");
                WriteConnectionString(resource);
                break;
            default:
                json.WriteString("error", "This resource does not support generation in the manifest.");
                break;
        }

        json.WriteEndObject();
        if (resource is ParameterResource written)
            WriteEncodedParameters(_references.TakeEncoded(written));
    }

    private async Task WriteContainerAsync(ContainerResource container)
    {
        if (!container.TryGetContainerImageName(out var image))
            throw new DistributedApplicationException($"Resource '{container.Name}' has no container image.");

        json.WriteString("type", "container.v0");
        WriteConnectionString(container);
        json.WriteString("image", image);
        if (container.Entrypoint is { } entrypoint)
            json.WriteString("entrypoint", entrypoint);

        await WriteArgumentsAsync(container);
        WriteMounts(container, ContainerMountType.BindMount, "bindMounts", "source", Relative);
        WriteMounts(container, ContainerMountType.Volume, "volumes", "name", name => name);
        await WriteEnvironmentAsync(container);
        _ports.WriteBindings(json, container);
    }

    private void WriteMounts(ContainerResource container, ContainerMountType type, string property, string sourceProperty, Func<string, string> writeSource)
    {
        var mounts = container.Annotations.OfType<ContainerMountAnnotation>().Where(m => m.Type == type).ToList();
        if (mounts.Count == 0)
            return;

        json.WriteStartArray(property);
        foreach (var mount in mounts)
        {
            json.WriteStartObject();
            if (mount.Source is { } source) // an anonymous volume has none
                json.WriteString(sourceProperty, writeSource(source));

            json.WriteString("target", mount.Target);
            json.WriteBoolean("readOnly", mount.IsReadOnly);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteConnectionString(IResource resource)
    {
        if (resource is IResourceWithConnectionString { ConnectionStringExpression: var connectionString })
            json.WriteString("connectionString", _references.Expression(connectionString));
    }

    private async Task WriteEnvironmentAsync(IResource resource)
    {
        var environment = new EnvironmentCallbackContext(context, resource, cancellationToken: cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            await annotation.Callback(environment);

        if (environment.EnvironmentVariables.Count == 0)
            return;

        json.WriteStartObject("env");
        foreach (var (name, value) in environment.EnvironmentVariables)
            json.WriteString(name, _references.Expression(value));

        json.WriteEndObject();
    }

    private async Task WriteArgumentsAsync(IResource resource)
    {
        var arguments = new CommandLineArgsCallbackContext([], resource, cancellationToken) { ExecutionContext = context };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            await annotation.Callback(arguments);

        if (arguments.Args.Count == 0)
            return;

        json.WriteStartArray("args");
        foreach (var argument in arguments.Args)
            json.WriteStringValue(_references.Expression(argument));

        json.WriteEndArray();
    }

    // The value of a parameter as it goes into a URI: who deploys must encode it.
    private void WriteEncodedParameters(IEnumerable<EncodedParameter> encoded)
    {
        foreach (var (name, parameter, format) in encoded)
        {
            json.WriteStartObject(name);
            json.WriteString("type", "annotated.string");
            json.WriteString("value", parameter.ValueExpression);
            json.WriteString("filter", format);
            json.WriteEndObject();
        }
    }

    private string Relative(string path) => Path.GetRelativePath(directory, path).Replace('\\', '/');
}
