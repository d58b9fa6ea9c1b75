namespace GoReliable.Gateway.Requests;

/// <summary>
/// Removes the headers that a request's <c>Connection</c> names: they are meant for this connection and not for the
/// services (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1). After this, the gateway sees no header that the
/// services do not see.
/// </summary>
internal static class HopByHop
{
    public static void UseHopByHop(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                var headers = context.Request.Headers;
                // Almost every request names nothing, or "keep-alive" or "close", which are no headers.
                if (headers.Connection is not [] and not ["keep-alive"] and not ["close"])
                {
                    // The Connection header itself stays: YARP does not forward it.
                    foreach (var name in headers.GetCommaSeparatedValues("Connection"))
                        headers.Remove(name);
                }
                return next(context);
            }
        );
}
