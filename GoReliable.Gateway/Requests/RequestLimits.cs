namespace GoReliable.Gateway.Requests;

/// <summary>How much a client may send. The largest order, a hundred items, has about 15 KB.</summary>
internal static class RequestLimits
{
    private const int BodyBytes = 64 * 1024;
    private const int HeaderBytes = 16 * 1024;
    private const int HeaderCount = 64;
    private const int RequestLineBytes = 4 * 1024;

    public static void AddRequestLimits(this WebApplicationBuilder builder) => builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.Limits.MaxRequestBodySize = BodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
        kestrel.Limits.MaxRequestHeaderCount = HeaderCount;
        kestrel.Limits.MaxRequestLineSize = RequestLineBytes;
    });

    /// <summary>
    /// Refuses by the announced length, before a destination is bothered or a byte of the body is read. A body that
    /// announces none is counted by Kestrel while it is forwarded, with the same answer.
    /// </summary>
    public static void UseRequestLimits(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Request.ContentLength is null or <= BodyBytes)
            return next(context);

        context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        // Kestrel ends the connection, since the body is not read to its end: say so, or the client sends its next request there.
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
        return Task.CompletedTask;
    });
}
