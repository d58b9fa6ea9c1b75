namespace GoReliable.Orders.Outbox;

/// <summary>Registration of the outbox.</summary>
internal static class OutboxExtensions
{
    public static IServiceCollection AddOutbox(this IServiceCollection services) =>
        services
            // If a request answers "which ones?" twice, .NET takes the last answer, and nobody knows which was meant.
            .ConfigureHttpJsonOptions(json => json.SerializerOptions.AllowDuplicateProperties = false)
            .AddSingleton<OutboxSignal>()
            .AddHostedService<OutboxRelay>()
            .AddHostedService<OutboxSampler>();
}
