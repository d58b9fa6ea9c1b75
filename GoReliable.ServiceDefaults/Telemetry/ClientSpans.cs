using System.Diagnostics;
using OpenTelemetry;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>Mends the spans that .NET makes of the requests it sends.</summary>
internal sealed class ClientSpans : BaseProcessor<Activity>
{
    /// <summary>.NET's source of these spans.</summary>
    public const string Source = "System.Net.Http";

    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != Source)
            return;
        // Without the path, which a client may have written.
        if (data.GetTagItem("url.full") is string url)
            data.SetTag("url.full", new Uri(url).GetLeftPart(UriPartial.Authority));
        // .NET marks every 4xx as an error. Here it is a customer asking for another customer's order. As errors, such
        // spans would be kept by every tail sampler and hide the real ones.
        if (data.GetTagItem("http.response.status_code") is >= 400 and < 500)
            data.SetStatus(ActivityStatusCode.Unset).SetTag("error.type", null);
    }
}
