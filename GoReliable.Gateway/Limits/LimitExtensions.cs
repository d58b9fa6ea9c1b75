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
    public static void UseAddressLimit(this WebApplication app) => app.UseRateLimiter(app.Services.GetRequiredService<EdgeLimits>().PerAddress);

    /// <summary>After authentication, and before authorization, so that asking for what is forbidden is limited as well.</summary>
    public static void UseCustomerLimit(this WebApplication app) => app.UseRateLimiter(app.Services.GetRequiredService<EdgeLimits>().PerCustomer);

    /// <summary>
    /// After authorization: bodies are read while requests are forwarded, and slow ones from nobody in particular could
    /// take every place.
    /// </summary>
    public static void UseLoadShedding(this WebApplication app)
    {
        var limits = app.Services.GetRequiredService<EdgeLimits>();
        app.UseRateLimiter(limits.CustomerLoad);
        app.UseRateLimiter(limits.Load);
    }
}
