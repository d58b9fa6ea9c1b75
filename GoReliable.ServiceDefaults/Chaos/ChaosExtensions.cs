using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GoReliable.ServiceDefaults.Chaos;

internal static class ChaosExtensions
{
    /// <exception cref="InvalidSettingException">A switch cannot be set like that, or is on in Production.</exception>
    public static void AddChaos(this WebApplicationBuilder builder)
    {
        var isProduction = builder.Environment.IsProduction();
        var options = ChaosOptions.Read(builder.Configuration, isProduction ? null : true);

        builder.Services.AddSingleton<ChaosSwitches>();
        builder.Services.AddHostedService(services =>
            ActivatorUtilities.CreateInstance<ChaosControl>(services, !isProduction || options.AllowInProduction)
        );
        builder.Services.AddTransient<ChaosHandler>();
    }
}
