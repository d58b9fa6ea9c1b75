using GoReliable.Database;
using GoReliable.Database.Erasure;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Erasure;
using GoReliable.Notifications.Listing;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Management;

// Used by an operator at a terminal; no service is started.
if (args is ["dead-letters", .. var command])
    return await DeadLetterCommand.RunAsync(command, Terminal.Own);
if (args is ["erase", .. var customer])
    return await EraseCommand.RunAsync("notifications", 9103, customer, Terminal.Own);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();

// One for each of the eight batches, and four for everything else: a delivery that waits for a mail server has none.
builder.AddDatabase("notifications-db", typeof(Program).Assembly, maxPoolSize: 12);
if (args is ["migrate"])
    return await builder.MigrateAsync();

builder.AddIdentity();
builder.AddBroker("messaging", configure: factory => factory.MaxInboundMessageBodySize = RawMessage.MaxBodyBytes);

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
