using GoReliable.Gateway;
using GoReliable.Gateway.Limits;
using GoReliable.Gateway.Requests;
using GoReliable.Gateway.Routing;
using GoReliable.ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddIdentity();
builder.AddTrustedProxies();
builder.AddRequestLimits();
builder.AddLimits();
builder.AddRoutes();
builder.Services.AddSingleton<Telemetry>();

var app = builder.Build();

// The order matters: probes and scrapes leave first. Everything after that is measured, including errors of the steps
// that follow.
app.MapDefaultEndpoints();
app.UseForwardedHeaders();
app.UseHopByHop();
app.UseMiddleware<RequestTelemetry>();
app.UseSecurityHeaders();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseLimit(Limit.AddressRate);
app.UseRequestLimits();
app.UseAuthentication();
app.UseLimit(Limit.CustomerRate);
app.UseAuthorization();
app.UseLimit(Limit.CustomerLoad);
app.UseWholeBody();
app.UseLimit(Limit.Load);
app.MapRoutes();

app.Run();
