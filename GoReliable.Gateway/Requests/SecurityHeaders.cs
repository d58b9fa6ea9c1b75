using Microsoft.Net.Http.Headers;

namespace GoReliable.Gateway.Requests;

/// <summary>
/// Tells browsers and caches what not to do with an answer.
/// (https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html)
/// </summary>
internal static class SecurityHeaders
{
    // Everything but the documentation is data and not a page: no script, no frame, no form, wherever it is embedded.
    private const string ForData = "default-src 'none'; frame-ancestors 'none'";

    // For Scalar's page: its scripts from here, styles that it writes itself, and requests to this API only.
    private const string ForDocs =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";

    // No includeSubDomains: the other names of that domain are not ours.
    private const string OneYear = "max-age=31536000";

    public static void UseSecurityHeaders(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                context.Response.OnStarting(Complete, context);
                return next(context);
            }
        );

    // As late as possible, so that a service's own Cache-Control is seen, and error pages are covered.
    private static Task Complete(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        // The gateway sends no Server header of its own, and clients need not know that of a service.
        headers.Remove(HeaderNames.Server);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = context.Request.Path.StartsWithSegments("/docs") ? ForDocs : ForData;
        if (context.Request.IsHttps)
            headers.StrictTransportSecurity = OneYear;
        // Orders are personal; a shared cache between here and the customer must not keep them.
        if (context.Request.Path.StartsWithSegments("/api") && !headers.ContainsKey(HeaderNames.CacheControl))
            headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }
}
