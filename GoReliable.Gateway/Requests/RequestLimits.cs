using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace GoReliable.Gateway.Requests;

/// <summary>How much a client may send, and how slowly. The largest order, a hundred items, has about 15 KB.</summary>
internal static class RequestLimits
{
    /// <summary>The largest body of a request, in bytes.</summary>
    public const int BodyBytes = 64 * 1024;

    private const int HeaderBytes = 16 * 1024;
    private const int HeaderCount = 64;
    private const int RequestLineBytes = 4 * 1024;

    // A connection costs about 10 KB while it is idle. One beyond the limit is closed at once. The management port
    // counts its own connections.
    private const int Connections = 10_000;

    // From the first byte of a request's headers to their last.
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);

    // Longer than load balancers keep idle connections (mostly 60 s): the side that closes first may cut off a request
    // that is on its way.
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(130);

    // Slower than any real client. Without a minimum rate, a handful of clients could each hold a place for ever.
    private static readonly MinDataRate DataRate = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));

    public static void AddRequestLimits(this WebApplicationBuilder builder) =>
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = BodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
            kestrel.Limits.MaxRequestHeaderCount = HeaderCount;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytes;
            kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
            kestrel.Limits.KeepAliveTimeout = KeepAliveTimeout;
            kestrel.Limits.MinRequestBodyDataRate = DataRate;
            kestrel.Limits.MinResponseDataRate = DataRate;
            kestrel.Limits.MaxConcurrentConnections = Connections;
        });

    /// <summary>
    /// Refuses a body by its announced length, before a service is called or a byte of the body is read. A body without
    /// an announced length is counted by Kestrel while it is read, with the same answer.
    /// </summary>
    public static void UseRequestLimits(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                if (context.Request.ContentLength is null or <= BodyBytes)
                    return next(context);

                context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
                // Kestrel closes the connection, since the body is not read to its end. Say so, or the client sends its
                // next request on it.
                if (HttpProtocol.IsHttp11(context.Request.Protocol))
                    context.Response.Headers.Connection = "close";
                return Task.CompletedTask;
            }
        );
}
