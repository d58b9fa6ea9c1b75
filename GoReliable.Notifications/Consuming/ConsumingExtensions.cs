using GoReliable.Database.Schema;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Consuming;

internal static class ConsumingExtensions
{
    public static WebApplicationBuilder AddConsuming(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<InboxOptions>(InboxOptions.Section);
        builder.Services.AddSettings<NotificationOptions>(NotificationOptions.Section);
        builder.Services.AddSettings<RetryOptions>(RetryOptions.Section);

        builder.Services.AddSingleton<RetryPlan>();
        builder.Services.AddSingleton<Publisher>();
        builder.Services.AddSingleton<Forwarder>();
        builder.Services.AddSingleton<PoisonFilter>();
        builder.Services.AddSingleton<Progress>();
        builder.Services.AddHealthChecks().AddCheck<Progress>("Progress");
        builder.Services.AddSingleton<Suspects>();
        builder.Services.AddSingleton<Leases>();
        builder.Services.AddSingleton<DatabaseRetry>();
        builder.Services.AddSingleton<UncommittedReceipts>();
        builder.Services.AddSingleton<BatchProcessor>();
        // Before the worker, so that it stops after it: deliveries that are finished during the drain keep their
        // leases.
        builder.Services.AddHostedService(services => services.GetRequiredService<Leases>());
        builder.Services.AddHostedService<Worker>();
        builder.Services.AddHostedService<QueueSampler>();
        builder.AddExpiry<InboxOptions>("inbox", Inbox.Expire, options => options.Retention);
        builder.AddExpiry<NotificationOptions>("notifications", NotificationOptions.Expire, options =>
            options.Retention
        );
        builder.AddExpiry("leases", Leases.Expire, _ => TimeSpan.FromDays(1));
        return builder;
    }
}
