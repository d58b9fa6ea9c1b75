using GoReliable.Gateway;
using GoReliable.Gateway.Requests;
using GoReliable.Gateway.Routing;
using GoReliable.ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddIdentity();
builder.AddRequestLimits();
builder.AddRoutes();
builder.Services.AddSingleton<Telemetry>();

var app = builder.Build();

// The order is the meaning: probes and scrapes leave first, then everything is measured, also the errors that come next.
app.MapDefaultEndpoints();
app.UseMiddleware<RequestTelemetry>();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRequestLimits();
app.UseAuthentication();
app.UseAuthorization();
app.MapRoutes();

app.Run();
