namespace Aspire.RabbitMQ.Client;

/// <summary>Settings of the RabbitMQ client, bound from <c>Aspire:RabbitMQ:Client</c>. Follows Aspire.RabbitMQ.Client 13.5.2.</summary>
public sealed class RabbitMQClientSettings
{
    /// <summary>The AMQP URI; <c>ConnectionStrings:{name}</c> wins over this section.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>How often the first connection is tried again, with exponential delays from one second. 0 does not retry.</summary>
    public int MaxConnectRetryCount { get; set; } = 5;

    /// <summary>Adds no health check.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Adds no tracing.</summary>
    public bool DisableTracing { get; set; }
}
