namespace GoReliable.Orders.Outbox;

internal static class OutboxExtensions
{
    public static IServiceCollection AddOutbox(this IServiceCollection services) =>
        services
            .AddSingleton<OutboxSignal>()
            .AddSingleton<SetAsideTable>()
            .AddHostedService<OutboxRelay>()
            .AddHostedService<OutboxSampler>();
}
