namespace GoReliable.Notifications.DeadLetters;

/// <summary>Registration of the dead letters.</summary>
internal static class DeadLetterExtensions
{
    public static WebApplicationBuilder AddDeadLetters(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Redriver>();
        builder.Services.AddHostedService<DeadLetterCollector>();
        return builder;
    }
}
