using GoReliable.Messaging;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Retrying;

/// <summary>All queues that the worker needs.</summary>
internal sealed class WorkerTopology(Broker broker, RetryPlan plan)
{
    /// <summary>Declares them; does nothing where they exist.</summary>
    public Task DeclareAsync(IChannel channel, CancellationToken cancellationToken) =>
        broker.DeclareAsync(async () =>
        {
            await OrderTopology.DeclareAsync(channel, cancellationToken);
            await OrderTopology.DeclareRetryQueuesAsync(channel, plan.Queues, cancellationToken);
        });
}
