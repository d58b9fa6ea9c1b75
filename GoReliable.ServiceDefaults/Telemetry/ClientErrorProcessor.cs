using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using OpenTelemetry;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>
/// A forwarded request that failed because its own client sent a body that is too long or malformed. The answer is a
/// 4xx, so its span must not be an error, or a tail sampler would keep it. .NET marks it as an error when the span
/// ends, after the exception.
/// </summary>
internal sealed class ClientErrorProcessor : BaseProcessor<Activity>
{
    private const string Property = "goreliable.clients_fault";

    public static void Mark(Activity activity, Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is BadHttpRequestException)
                activity.SetCustomProperty(Property, Property);
        }
    }

    public override void OnEnd(Activity data)
    {
        if (data.Status == ActivityStatusCode.Error && data.GetCustomProperty(Property) is not null)
            data.SetStatus(ActivityStatusCode.Unset).SetTag("error.type", null);
    }
}
