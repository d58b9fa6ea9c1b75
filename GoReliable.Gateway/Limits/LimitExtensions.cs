namespace GoReliable.Gateway.Limits;

internal static class LimitExtensions
{
    public static void AddLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EdgeLimits>();
        // For the metrics of ASP.NET's middleware.
        builder.Services.AddRateLimiter();
    }

    /// <summary>Before authentication, so that guessing tokens is limited as well.</summary>
    public static void UseAddressLimit(this WebApplication app) =>
        app.UseRateLimiter(app.Services.GetRequiredService<EdgeLimits>().PerAddress);

    /// <summary>
    /// After authentication, and before authorization, so that asking for what is forbidden is limited as well.
    /// </summary>
    public static void UseCustomerLimit(this WebApplication app) =>
        app.UseRateLimiter(app.Services.GetRequiredService<EdgeLimits>().PerCustomer);

    /// <summary>
    /// After authorization and before the gateway waits for the body, so that an unknown client cannot make it wait for
    /// bodies.
    /// </summary>
    public static void UseCustomerLoad(this WebApplication app) =>
        app.UseRateLimiter(app.Services.GetRequiredService<EdgeLimits>().CustomerLoad);

    /// <summary>Last, when the whole request has arrived.</summary>
    public static void UseLoadShedding(this WebApplication app)
    {
        var limits = app.Services.GetRequiredService<EdgeLimits>();
        app.UsePlaces(limits.Places, limits.RefusePlace);
    }
}
