using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Erasure;
using GoReliable.Notifications.Listing;
using GoReliable.Notifications.Quarantine;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Erasure;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Limits;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;

// Used by an operator at a terminal; no service is started.
if (args is ["dead-letters", .. var command])
    return await DeadLetterCommand.RunAsync(command, Console.In, Console.Out, Console.Error, CancellationToken.None);
if (args is ["erase", .. var customer])
    return await EraseCommand.RunAsync("notifications", 9103, customer, Console.In, Console.Out, Console.Error, CancellationToken.None);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.RequireDatabase("notifications-db");
// No delivery keeps a connection while it waits, so a few are enough, and many workers leave the server room for others.
builder.AddNpgsqlDataSource("notifications-db", configureDataSourceBuilder: source => DatabaseDefaults.Configure(source, "notifications-db", maxPoolSize: 12));
builder.AddSchema(typeof(Program).Assembly);
if (args is ["migrate"])
    return await builder.MigrateAsync();

builder.AddIdentity();
builder.RequireBroker("messaging");
// The health check is the Broker's, on its connections; the spans are the worker's, one for each message.
builder.AddBroker();
builder.AddRabbitMQClient("messaging", settings =>
{
    settings.DisableHealthChecks = true;
    settings.DisableTracing = true;
}, factory =>
{
    BrokerExtensions.Configure(factory);
    factory.MaxInboundMessageBodySize = RawMessage.LargestBody;
});

builder.Services.AddRateLimiter();
builder.Services.AddSingleton<Telemetry>();
builder.AddDelivery();
builder.AddConsuming();
builder.AddDeadLetters();

var app = builder.Build();
app.MapDefaultEndpoints(management => management.MapDeadLetters().MapErasure(EraseCustomer.EraseAsync));
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseAuthentication();
app.UseAuthorization();
app.UseDatabaseShare();
app.MapNotifications();
await app.RunAsync();
return 0;
