using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Listing;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("notifications-db", configureDataSourceBuilder: source => DatabaseDefaults.Configure(source, "notifications-db"));
builder.AddSchema(typeof(Program).Assembly);
if (args is ["migrate"])
    return await builder.MigrateAsync();

builder.AddIdentity();

// The health check is the Broker's, on the shared connection; the spans are the worker's, one for each message.
builder.AddBroker();
builder.AddRabbitMQClient("messaging", settings =>
{
    settings.DisableHealthChecks = true;
    settings.DisableTracing = true;
    settings.MaxConnectRetryCount = 0;
}, BrokerExtensions.Configure);

builder.Services.AddSingleton<Telemetry>();
builder.AddDelivery();
builder.AddConsuming();

var app = builder.Build();

app.MapDefaultEndpoints();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseAuthentication();
app.UseAuthorization();
app.MapNotifications();

await app.RunAsync();
return 0;
