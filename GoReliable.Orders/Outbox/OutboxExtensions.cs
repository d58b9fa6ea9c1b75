namespace GoReliable.Orders.Outbox;

/// <summary>Registration of the outbox.</summary>
internal static class OutboxExtensions
{
    public static IServiceCollection AddOutbox(this IServiceCollection services) =>
        services.AddSingleton<OutboxSignal>().AddHostedService<OutboxRelay>().AddHostedService<OutboxSampler>();
}
