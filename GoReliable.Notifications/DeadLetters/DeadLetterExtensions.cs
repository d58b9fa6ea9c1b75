using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.DeadLetters;

internal static class DeadLetterExtensions
{
    public static WebApplicationBuilder AddDeadLetters(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<DeadLetterOptions>(DeadLetterOptions.Section);
        builder.Services.AddSingleton<Redriver>();
        builder.Services.AddHostedService<DeadLetterCollector>();
        return builder.AddExpiry<DeadLetterOptions>("dead_letters", DeadLetterOptions.Expire, options =>
            options.Retention
        );
    }
}
