using GoReliable.Notifications.Retrying;

namespace GoReliable.Notifications.Consuming;

/// <summary>Registration of the worker.</summary>
internal static class ConsumingExtensions
{
    public static WebApplicationBuilder AddConsuming(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(Random.Shared);
        builder.Services.AddSingleton<Forwarder>();
        builder.Services.AddSingleton<BatchProcessor>();
        builder.Services.AddHostedService<Worker>();
        builder.Services.AddHostedService<QueueSampler>();
        return builder;
    }
}
