namespace GoReliable.Orders.Outbox;

/// <summary>Registration of the outbox.</summary>
internal static class OutboxExtensions
{
    public static IServiceCollection AddOutbox(this IServiceCollection services) => services
        // Of two answers to "which ones?" .NET takes the last, and nobody knows which was meant.
        .ConfigureHttpJsonOptions(json => json.SerializerOptions.AllowDuplicateProperties = false)
        .AddSingleton<OutboxSignal>()
        .AddHostedService<OutboxRelay>()
        .AddHostedService<OutboxSampler>();
}
