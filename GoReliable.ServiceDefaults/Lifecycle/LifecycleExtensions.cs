using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Lifecycle;

internal static class LifecycleExtensions
{
    private static readonly TimeSpan DefaultReadinessDelay = TimeSpan.FromSeconds(5);

    public static void AddLifecycle(this WebApplicationBuilder builder)
    {
        var delay = builder.Environment.IsDevelopment() ? TimeSpan.Zero : DefaultReadinessDelay;
        builder.Services.Configure<ShutdownOptions>(shutdown => shutdown.ReadinessDelay = delay);
        builder.Services.AddSettings<ShutdownOptions>(ShutdownOptions.Section);
        builder
            .Services.AddOptions<HostOptions>()
            .Configure<IOptions<ShutdownOptions>>((host, shutdown) => host.ShutdownTimeout = shutdown.Value.Deadline);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        builder.Services.AddHealthChecks().AddCheck<Drain>("Lifecycle");
    }

    /// <summary>
    /// While the service stops, ends each connection with its next answer, so that callers who keep theirs open go
    /// elsewhere in time: by <c>Connection: close</c> in HTTP/1.1, by GOAWAY in HTTP/2.
    /// </summary>
    public static IApplicationBuilder UseDrain(this IApplicationBuilder app)
    {
        var drain = app.ApplicationServices.GetRequiredService<Drain>();
        return app.Use(
            (context, next) =>
            {
                if (drain.Begun.IsCancellationRequested)
                    context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
                return next(context);
            }
        );
    }
}
