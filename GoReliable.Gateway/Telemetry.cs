using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using GoReliable.Gateway.Limits;
using GoReliable.Gateway.Resilience;
using GoReliable.Gateway.Routing;

namespace GoReliable.Gateway;

/// <summary>
/// The gateway's metrics. Recording one request allocates nothing: tags live on the stack, their values are made once.
/// </summary>
internal sealed class Telemetry
{
    /// <summary>Label of requests that no route matched; their paths could make any number of labels.</summary>
    public const string UnknownRoute = "unknown";

    /// <summary>Label of methods that HTTP does not define; the name is OpenTelemetry's.</summary>
    private const string OtherMethod = "_OTHER";

    // Errors that the gateway answers by itself, on any route.
    private static readonly int[] OwnErrors = [500, 502, 503, 504];

    private static readonly string[] StatusCodes =
    [
        .. Enumerable.Range(0, 1000).Select(code => code.ToString(CultureInfo.InvariantCulture)),
    ];

    private readonly Counter<long> requests;
    private readonly Histogram<double> duration;
    private readonly UpDownCounter<long> inFlight;
    private readonly Counter<long> rejected;
    private readonly Counter<long> retries;

    public Telemetry(IMeterFactory meters)
    {
        var meter = meters.Create("GoReliable.Gateway");

        requests = meter.CreateCounter<long>(
            "goreliable.api_gateway.http_requests",
            "{request}",
            "Total number of HTTP requests"
        );
        duration = meter.CreateHistogram(
            "goreliable.api_gateway.http_request_duration",
            "s",
            "HTTP request duration in seconds",
            advice: new InstrumentAdvice<double>
            {
                // From fast cached responses to slow database queries.
                HistogramBucketBoundaries = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5],
            }
        );
        inFlight = meter.CreateUpDownCounter<long>(
            "goreliable.api_gateway.http_requests_in_flight",
            "{request}",
            "Number of HTTP requests currently being processed"
        );
        rejected = meter.CreateCounter<long>(
            "goreliable.api_gateway.requests_rejected",
            "{request}",
            "Total number of HTTP requests refused by a limit"
        );
        retries = meter.CreateCounter<long>(
            "goreliable.api_gateway.forward_retries",
            "{retry}",
            "Total number of times that a request was sent to a service again"
        );
    }

    /// <summary>
    /// Creates the series that ratios and alerts are built of, at zero. The first failure is then an increase, and not
    /// a new series, which <c>rate()</c> does not see.
    /// </summary>
    public void StartAtZero()
    {
        inFlight.Add(0);
        foreach (var route in Routes.All)
        foreach (var status in OwnErrors.Prepend(route.SuccessStatus))
            requests.Add(0, Tags(route.Method, route.Template, status));
        foreach (var limit in Enum.GetValues<Limit>())
            rejected.Add(0, Reason(limit.Label()));
        foreach (var service in Routes.All.Select(route => route.Service).Distinct())
        foreach (var reason in RetryReason.All)
            retries.Add(0, new("service", service), Reason(reason));
    }

    public void RequestStarted() => inFlight.Add(1);

    public void RequestRejected(Limit limit) => rejected.Add(1, Reason(limit.Label()));

    public void Retried(string service, string reason) => retries.Add(1, new("service", service), Reason(reason));

    public void RequestEnded(string method, string route, int status, TimeSpan took)
    {
        var tags = Tags(method, route, status);
        inFlight.Add(-1);
        requests.Add(1, tags);
        duration.Record(took.TotalSeconds, tags);
    }

    /// <summary>The method, or <c>_OTHER</c>: a client may send any text as its method.</summary>
    public static string KnownMethod(string method) =>
        HttpMethods.GetCanonicalizedValue(method) is var known
        && known is ("GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD" or "OPTIONS" or "TRACE" or "CONNECT")
            ? known
            : OtherMethod;

    private static KeyValuePair<string, object?> Reason(string reason) => new("reason", reason);

    private static TagList Tags(string method, string route, int status) =>
        new()
        {
            { "method", method },
            { "route", route },
            { "status_code", StatusCodes[status] },
        };
}
