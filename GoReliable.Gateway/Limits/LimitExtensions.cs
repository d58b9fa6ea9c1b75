using GoReliable.ServiceDefaults.Limits;

namespace GoReliable.Gateway.Limits;

internal static class LimitExtensions
{
    public static void AddLimits(this WebApplicationBuilder builder) => builder.Services.AddSingleton<EdgeLimits>();

    /// <summary>Before authentication, so that guessing tokens is limited as well.</summary>
    public static void UseAddressLimit(this WebApplication app) => app.UseLimit(Limit.AddressRate);

    /// <summary>
    /// After authentication, and before authorization, so that asking for what is forbidden is limited as well.
    /// </summary>
    public static void UseCustomerLimit(this WebApplication app) => app.UseLimit(Limit.CustomerRate);

    /// <summary>
    /// After authorization and before the gateway waits for the body, so that an unknown client cannot make it wait for
    /// bodies.
    /// </summary>
    public static void UseCustomerLoad(this WebApplication app) => app.UseLimit(Limit.CustomerLoad);

    /// <summary>
    /// Last, when the whole request has arrived. It counts until its answer begins: while a service works on it, and
    /// not while its client sends or reads.
    /// </summary>
    public static void UseLoadShedding(this WebApplication app) => app.UseLimit(Limit.Load);

    private static void UseLimit(this WebApplication app, Limit limit)
    {
        var limits = app.Services.GetRequiredService<EdgeLimits>();
        var isLoad = limit == Limit.Load;
        app.UseLimit(
            limits.Of(limit),
            (context, lease) => limits.RefuseAsync(context, lease, limit),
            isLoad ? () => limits.QueueTimeout : null,
            untilAnswer: isLoad
        );
    }
}
