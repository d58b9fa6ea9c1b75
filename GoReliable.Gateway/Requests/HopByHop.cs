namespace GoReliable.Gateway.Requests;

/// <summary>
/// Removes the headers that a request's <c>Connection</c> names: they are meant for this connection and not for the services
/// (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1). After this nobody here sees what the services do not see.
/// </summary>
internal static class HopByHop
{
    public static void UseHopByHop(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var headers = context.Request.Headers;
        // Almost every request names nothing, or what is no header.
        if (headers.Connection is not [] and not ["keep-alive"] and not ["close"])
        {
            // YARP leaves Connection itself to the two ends.
            foreach (var name in headers.GetCommaSeparatedValues("Connection"))
                headers.Remove(name);
        }
        return next(context);
    });
}
