using GoReliable.Database;
using GoReliable.Database.Erasure;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Orders;
using GoReliable.Orders.Erasure;
using GoReliable.Orders.Ordering;
using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Management;
using Microsoft.Extensions.Diagnostics.HealthChecks;

// Used by an operator at a terminal; no service is started.
if (args is ["erase", .. var command])
    return await EraseCommand.RunAsync("orders", 9102, command, Terminal.Own);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddDatabase("orders-db", typeof(Program).Assembly);
if (args is ["migrate"])
    return await builder.MigrateAsync();

builder.AddIdentity();

// Without the broker orders are still taken: they wait in the outbox.
builder.AddBroker("messaging", whenAway: HealthStatus.Degraded);

builder.Services.AddSingleton<Telemetry>();
builder.AddOrdering();
builder.Services.AddOutbox();
builder.Services.ConfigureHttpJsonOptions(json =>
    json.SerializerOptions.TypeInfoResolverChain.Insert(0, OrdersJson.Default)
);

var app = builder.Build();
app.MapDefaultEndpoints(management => management.MapSetAside().MapErasure(EraseCustomer.EraseAsync));
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseAuthentication();
app.UseAuthorization();
app.UseDatabaseShare();
app.MapOrders();
app.MapApiDescription();
await app.RunAsync();
return 0;
