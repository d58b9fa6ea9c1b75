using System.Diagnostics;
using System.Net.Sockets;
using Aspire.RabbitMQ.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Polly;
using Polly.Retry;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Microsoft.Extensions.Hosting;

/// <summary>The part of Aspire.RabbitMQ.Client 13.5.2 that the services use.</summary>
public static class AspireRabbitMQExtensions
{
    private const string Section = "Aspire:RabbitMQ:Client";
    private const string SourceName = "Aspire.RabbitMQ.Client";
    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Registers a singleton <see cref="IConnection"/>, opened on first use, and its <see cref="IConnectionFactory"/>.</summary>
    /// <param name="builder">Where it is registered.</param>
    /// <param name="connectionName">Name in <c>ConnectionStrings</c>.</param>
    /// <param name="configureSettings">Runs after the settings are read from configuration.</param>
    /// <param name="configureConnectionFactory">Runs when the connection is first asked for.</param>
    public static void AddRabbitMQClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<RabbitMQClientSettings>? configureSettings = null,
        Action<ConnectionFactory>? configureConnectionFactory = null)
    {
        var section = builder.Configuration.GetSection(Section);
        var settings = new RabbitMQClientSettings();
        section.Bind(settings);
        section.GetSection(connectionName).Bind(settings);
        settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        builder.Services.AddSingleton<IConnectionFactory>(_ =>
        {
            var factory = new ConnectionFactory();
            section.GetSection("ConnectionFactory").Bind(factory);
            section.GetSection($"{connectionName}:ConnectionFactory").Bind(factory);
            if (!string.IsNullOrEmpty(settings.ConnectionString))
                factory.Uri = new Uri(settings.ConnectionString);
            configureConnectionFactory?.Invoke(factory);
            return factory;
        });
        builder.Services.AddSingleton(services => Connect(services.GetRequiredService<IConnectionFactory>(), settings.MaxConnectRetryCount));

        if (!settings.DisableTracing)
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(SourceName, "RabbitMQ.Client.*"));
        if (!settings.DisableHealthChecks)
            builder.Services.AddHealthChecks().AddCheck<RabbitMQHealthCheck>("RabbitMQ.Client");
    }

    private static IConnection Connect(IConnectionFactory factory, int retries)
    {
        var pipeline = new ResiliencePipelineBuilder();
        if (retries > 0)
        {
            pipeline.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<SocketException>().Handle<BrokerUnreachableException>(),
                BackoffType = DelayBackoffType.Exponential,
                MaxRetryAttempts = retries,
                Delay = TimeSpan.FromSeconds(1),
            });
        }

        using var activity = Source.StartActivity("rabbitmq connect", ActivityKind.Client);
        // A singleton is created synchronously: https://github.com/microsoft/aspire/issues/565
        return pipeline.Build().ExecuteAsync(async token => await factory.CreateConnectionAsync(token)).AsTask().GetAwaiter().GetResult();
    }

    private sealed class RabbitMQHealthCheck(IServiceProvider services) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                var connection = services.GetRequiredService<IConnection>();
                await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (Exception exception)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
            }
        }
    }
}
