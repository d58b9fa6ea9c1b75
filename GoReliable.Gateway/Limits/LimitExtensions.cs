using GoReliable.ServiceDefaults.Limits;

namespace GoReliable.Gateway.Limits;

internal static class LimitExtensions
{
    public static void AddLimits(this WebApplicationBuilder builder) => builder.Services.AddSingleton<EdgeLimits>();

    /// <summary>Its place in the pipeline matters: see <see cref="Limit"/>.</summary>
    public static void UseLimit(this WebApplication app, Limit limit)
    {
        var limits = app.Services.GetRequiredService<EdgeLimits>();
        var isLoad = limit == Limit.Load;
        app.UseLimit(
            limits.Of(limit),
            (context, lease) => limits.RefuseAsync(context, lease, limit),
            isLoad ? () => limits.QueueTimeout : null,
            releaseWhenAnswerStarts: isLoad
        );
    }

    /// <summary>The limit as a label of metrics.</summary>
    public static string Label(this Limit limit) =>
        limit switch
        {
            Limit.AddressRate => "address_rate",
            Limit.CustomerRate => "customer_rate",
            Limit.CustomerLoad => "customer_load",
            _ => "load",
        };
}
