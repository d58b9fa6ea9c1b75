/// <summary>Runs servers as processes of this machine instead of containers, under Aspire's own orchestrator.</summary>
internal static class RunAsProcessExtensions
{
    public static void RunAsProcess(this IResourceBuilder<PostgresServerResource> postgres, ProcessFiles files) =>
        postgres.RunAsProcess(files, "postgres.sh");

    /// <summary>With the management plugin, if that was added.</summary>
    public static void RunAsProcess(this IResourceBuilder<RabbitMQServerResource> rabbitMq, ProcessFiles files) =>
        rabbitMq.RunAsProcess(files, "rabbitmq.sh");

    private static void RunAsProcess<T>(this IResourceBuilder<T> builder, ProcessFiles files, string script)
        where T : ContainerResource, IResourceWithConnectionString
    {
        var application = builder.ApplicationBuilder;
        var server = builder.Resource;
        foreach (var image in server.Annotations.OfType<ContainerImageAnnotation>().ToArray())
            server.Annotations.Remove(image);
        application.Resources.Remove(server);

        var process = new ServerProcess(server, files.Script(script), files.Temporary);
        application
            .AddResource(process)
            .WithArgs("run")
            .WithEnvironment(context =>
            {
                foreach (var endpoint in server.Annotations.OfType<EndpointAnnotation>())
                {
                    var port = new EndpointReference(server, endpoint).Property(EndpointProperty.TargetPort);
                    context.EnvironmentVariables[endpoint.Name == "management" ? "MANAGEMENT_PORT" : "PORT"] = port;
                }
                foreach (var (name, value) in files.Variables(process))
                    context.EnvironmentVariables[name] = value;
            });

        // No proxy in front: a server that is away refuses connections. Aspire chooses ports that are free.
        foreach (var endpoint in server.Annotations.OfType<EndpointAnnotation>())
            (endpoint.IsProxied, endpoint.TargetPort) = (false, null);

        application.Eventing.Subscribe<BeforeStartEvent>((_, cancel) => files.CheckAsync(process, cancel));
        ForwardEvents(application, process, server);
    }

    // Aspire publishes events for the resource in the model, which is the process. The integration waits for them on
    // the server and its databases.
    private static void ForwardEvents(
        IDistributedApplicationBuilder application,
        ServerProcess process,
        IResourceWithConnectionString server
    )
    {
        IResource[] Children() =>
            [.. application.Resources.OfType<IResourceWithParent>().Where(child => child.Parent == server)];

        application.Eventing.Subscribe<ConnectionStringAvailableEvent>(process, async (@event, cancellationToken) =>
        {
            try
            {
                await application.Eventing.PublishAsync(
                    new ConnectionStringAvailableEvent(server, @event.Services),
                    cancellationToken
                );
            }
            catch (InvalidOperationException)
            {
                // Thrown by the orchestrator, which handles the event last and would show the server. The process is
                // shown in its place.
            }
            foreach (var child in Children())
                await application.Eventing.PublishAsync(
                    new ConnectionStringAvailableEvent(child, @event.Services),
                    cancellationToken
                );
        });
        application.Eventing.Subscribe<ResourceReadyEvent>(process, (@event, cancellationToken) =>
            application.Eventing.PublishAsync(new ResourceReadyEvent(server, @event.Services), cancellationToken)
        );
        application.Eventing.Subscribe<InitializeResourceEvent>(process, (@event, cancellationToken) =>
        {
            _ = CopyStateAsync(process, Children(), @event.Notifications);
            return Task.CompletedTask;
        });
    }

    // A database has the state of its server. This loop ends with the application.
    private static async Task CopyStateAsync(
        ServerProcess process,
        IResource[] children,
        ResourceNotificationService notifications
    )
    {
        var state = "";
        await foreach (var change in notifications.WatchAsync())
        {
            var now = change.Snapshot;
            if (change.Resource.Name != process.Name || now.State is null || now.State.Text == state)
                continue;

            state = now.State.Text;
            foreach (var child in children)
                await notifications.PublishUpdateAsync(child, old =>
                    old with
                    {
                        State = now.State,
                        StartTimeStamp = now.StartTimeStamp,
                        StopTimeStamp = now.StopTimeStamp,
                    }
                );
        }
    }
}
