using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>A service that has nothing but the defaults of all services, on free ports, and writes no logs.</summary>
internal static class BareService
{
    public static WebApplicationBuilder Builder(params (string Name, string? Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["URLS"] = $"http://127.0.0.1:{ServiceProcess.FreePort()}";
        builder.Configuration["MANAGEMENT_PORT"] = $"{ServiceProcess.FreePort()}";
        foreach (var (name, value) in settings)
            builder.Configuration[name] = value;
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        return builder;
    }
}
