using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

public sealed partial class FaultyPlatform
{
    private void Configure(IDistributedApplicationTestingBuilder builder)
    {
        var orders = builder.CreateResourceBuilder<ProjectResource>("orders");
        var notifications = builder.CreateResourceBuilder<ProjectResource>("notifications");
        Database(orders, "orders-db", OrdersToDatabase);
        Database(notifications, "notifications-db", NotificationsToDatabase);
        Broker(orders, OrdersToBroker);
        Broker(notifications, NotificationsToBroker);

        notifications
            .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
            .WithEnvironment("Email__Smtp__Port", Mail.Port.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("Email__Smtp__Security", "None");
        Clock.Rule(orders);
        Clock.Rule(notifications);

        // At this load, telling of each order and of each refused one would cost this process more than the load
        // itself.
        foreach (var service in Services)
        {
            var resource = builder.CreateResourceBuilder<ProjectResource>(service);
            // So would Aspire's proxy in front of it.
            foreach (var endpoint in resource.Resource.Annotations.OfType<EndpointAnnotation>())
            {
                var port = ServiceProcess.FreePort();
                (endpoint.IsProxied, endpoint.Port, endpoint.TargetPort) = (false, port, port);
            }
            resource
                .WithEnvironment("Logging__LogLevel__Default", "Critical")
                .WithEnvironment("Logging__LogLevel__GoReliable.Orders.Outbox.OutboxRelay", "Warning")
                .WithEnvironment("Logging__LogLevel__GoReliable.Notifications", "Warning")
                .WithEnvironment("OTEL_METRICS_EXPORTER", "prometheus")
                .WithEnvironment("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
                .WithEnvironment("OTEL_TRACES_SAMPLER_ARG", "0.01");
        }

        // All of the load comes from one address, and it is a fault that is tested.
        builder
            .CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("RateLimits__PerAddress__PermitsPerSecond", "100000")
            .WithEnvironment("RateLimits__PerAddress__Burst", "100000")
            .WithEnvironment("RateLimits__PerCustomer__PermitsPerSecond", "10000")
            .WithEnvironment("RateLimits__PerCustomer__Burst", "10000");
    }

    private static void Database(IResourceBuilder<ProjectResource> service, string name, TcpProxy wire) =>
        Through(service, name, direct =>
        {
            var connection = new NpgsqlConnectionStringBuilder(direct);
            wire.Target = new DnsEndPoint(connection.Host!, connection.Port, AddressFamily.InterNetwork);
            (connection.Host, connection.Port) = (IPAddress.Loopback.ToString(), wire.Port);
            return connection.ConnectionString;
        });

    private static void Broker(IResourceBuilder<ProjectResource> service, TcpProxy wire) =>
        Through(service, "messaging", direct =>
        {
            var connection = new UriBuilder(direct);
            wire.Target = new DnsEndPoint(connection.Host, connection.Port, AddressFamily.InterNetwork);
            (connection.Host, connection.Port) = (IPAddress.Loopback.ToString(), wire.Port);
            return connection.Uri.AbsoluteUri.TrimEnd('/');
        });

    // After the AppHost's own references, and at each start.
    private static void Through(IResourceBuilder<ProjectResource> service, string name, Func<string, string> wire) =>
        service.WithEnvironment(async context =>
        {
            var variable = $"ConnectionStrings__{name}";
            var direct = await ((IValueProvider)context.EnvironmentVariables[variable]).GetValueAsync(
                context.CancellationToken
            );
            context.EnvironmentVariables[variable] = wire(direct!);
        });
}
