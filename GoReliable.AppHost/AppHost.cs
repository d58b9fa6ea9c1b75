using Microsoft.Extensions.Configuration;

var builder = DistributedApplication.CreateBuilder(args);

// `./run` keeps data between runs; tests, which share the machine with it, do not.
var keepData = builder.Configuration.GetValue("KeepData", true);
var replicas = builder.Configuration.GetValue("Replicas", 1);

var postgres = builder.AddPostgres("postgres");
var ordersDb = postgres.AddDatabase("orders-db");
var notificationsDb = postgres.AddDatabase("notifications-db");
var messaging = builder.AddRabbitMQ("messaging").WithManagementPlugin();

// Only when running here: where containers are deployed, such volumes cannot hold a database's files.
if (keepData && builder.ExecutionContext.IsRunMode)
{
    postgres.WithDataVolume();
    messaging.WithDataVolume();
}

// Containers where a container runtime answers, and processes of this machine where none does.
var servers = Servers.Choose(builder);
if (servers.Files is { } files)
{
    postgres.RunAsProcess(files);
    messaging.RunAsProcess(files);
}

// Metrics and health answer on a port of their own, which no route of the public one reaches.
var orders = builder
    .AddProject<Projects.GoReliable_Orders>("orders")
    .WithHttpEndpoint(port: 9102, name: "management", env: "MANAGEMENT_PORT")
    .WithHttpHealthCheck("/health/ready", endpointName: "management")
    .WithReference(ordersDb)
    .WaitFor(ordersDb)
    .WithReference(messaging)
    .WaitFor(messaging)
    .WithReplicas(replicas);

var notifications = builder
    .AddProject<Projects.GoReliable_Notifications>("notifications")
    .WithHttpEndpoint(port: 9103, name: "management", env: "MANAGEMENT_PORT")
    .WithHttpHealthCheck("/health/ready", endpointName: "management")
    .WithReference(notificationsDb)
    .WaitFor(notificationsDb)
    .WithReference(messaging)
    .WaitFor(messaging)
    .WithReplicas(replicas);

// Only the endpoints that exist at this call become external, and the management port is added after it.
var gateway = builder
    .AddProject<Projects.GoReliable_Gateway>("gateway")
    .WithExternalHttpEndpoints()
    .WithHttpEndpoint(port: 9101, name: "management", env: "MANAGEMENT_PORT")
    .WithHttpHealthCheck("/health/ready", endpointName: "management")
    .WithReference(orders)
    .WaitFor(orders)
    .WithReference(notifications)
    .WaitFor(notifications);

foreach (var service in new[] { gateway, orders, notifications })
{
    // The services speak plain HTTP to each other, so the dashboard need not ask for a development certificate.
    service.WithoutHttpsCertificate();
    // `./run` and the tests have just built them.
    if (builder.Configuration.GetValue("RunAsBuilt", false))
        service.RunAsBuilt();
}

// Tokens come from `dotnet user-jwts` here, and from an identity provider where the platform is deployed.
builder.AddTokenIssuer(gateway, orders, notifications);

// E-mails become files here, and go to a mail server where the platform is deployed.
builder.AddEmail(notifications);

// Prometheus, and in containers also Grafana, Tempo, Loki and the Collector; `--Observability=false` leaves them out.
builder.AddObservability(servers, gateway, orders, notifications);

// What waits for a resource that has started goes on at once.
PatientCheck.UseFor(builder.Services);

return await builder.RunAsync();
