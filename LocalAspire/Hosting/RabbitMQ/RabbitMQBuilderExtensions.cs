using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.RabbitMQ;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Adds RabbitMQ brokers.</summary>
public static class RabbitMQBuilderExtensions
{
    /// <summary>Adds a broker; the user is <c>guest</c>, the password is generated and kept in user secrets.</summary>
    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(this IDistributedApplicationBuilder builder, string name,
        IResourceBuilder<ParameterResource>? userName = null, IResourceBuilder<ParameterResource>? password = null, int? port = null)
    {
        var passwordParameter = password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        var broker = new RabbitMQServerResource(name, userName?.Resource, passwordParameter);

        var check = $"{name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(check, _ => new RabbitMQHealthCheck(broker), null, null));

        return builder.AddResource(broker)
            .WithImage("library/rabbitmq", "4.3")
            .WithImageRegistry("docker.io")
            .WithEndpoint(port: port, targetPort: 5672, name: RabbitMQServerResource.PrimaryEndpointName)
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["RABBITMQ_DEFAULT_USER"] = broker.UserNameReference;
                context.EnvironmentVariables["RABBITMQ_DEFAULT_PASS"] = broker.PasswordParameter;
            })
            .WithHealthCheck(check);
    }

    /// <summary>Keeps the data between runs.</summary>
    public static IResourceBuilder<RabbitMQServerResource> WithDataVolume(this IResourceBuilder<RabbitMQServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), "/var/lib/rabbitmq", isReadOnly)
            .WithAnnotation(new KeptDataAnnotation(name));

    /// <summary>Turns the management plugin on, with an HTTP endpoint <c>management</c>.</summary>
    public static IResourceBuilder<RabbitMQServerResource> WithManagementPlugin(this IResourceBuilder<RabbitMQServerResource> builder) =>
        builder.WithManagementPlugin(port: null);

    /// <inheritdoc cref="WithManagementPlugin(IResourceBuilder{RabbitMQServerResource})"/>
    public static IResourceBuilder<RabbitMQServerResource> WithManagementPlugin(this IResourceBuilder<RabbitMQServerResource> builder, int? port)
    {
        var image = builder.Resource.Annotations.OfType<ContainerImageAnnotation>().Last();
        if (image.Tag?.EndsWith("-management", StringComparison.Ordinal) == false)
            image.Tag = $"{image.Tag}-management";

        return builder.WithHttpEndpoint(port: port, targetPort: 15672, name: RabbitMQServerResource.ManagementEndpointName);
    }
}
