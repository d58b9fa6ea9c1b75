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

    /// <summary>
    /// After authentication. Also the load is limited here only: bodies are read while requests are forwarded, and slow
    /// ones from nobody in particular could take every place.
    /// </summary>
    public static void UseCustomerLimits(this WebApplication app)
    {
        var limits = app.Services.GetRequiredService<EdgeLimits>();
        app.UseRateLimiter(limits.PerCustomer);
        app.UseRateLimiter(limits.Load);
    }
}
