using GoReliable.Gateway.Resilience;
using GoReliable.ServiceDefaults.Identity;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms;

namespace GoReliable.Gateway.Routing;

/// <summary>One route of the public API.</summary>
/// <param name="Method">The one method that is let through.</param>
/// <param name="Template">Its path, and its label in metrics.</param>
/// <param name="Service">The service that answers, by its name in service discovery.</param>
/// <param name="Scope">What a token must allow; null where none is needed.</param>
/// <param name="SuccessStatus">The status of a good answer.</param>
/// <param name="TakesIdempotencyKey">
/// Whether a request with an <c>Idempotency-Key</c> has the same effect if the service gets it twice.
/// </param>
internal sealed record Route(
    string Method,
    string Template,
    string Service,
    string? Scope,
    int SuccessStatus = StatusCodes.Status200OK,
    bool TakesIdempotencyKey = false
)
{
    public string Id => $"{Method} {Template}";

    /// <summary>
    /// Whether a request on this route may be sent to the service again when it is unknown what became of it.
    /// </summary>
    /// <param name="request">
    /// The request as the service will see it: a key that is not forwarded does not count.
    /// </param>
    public bool IsRepeatable(HttpRequestMessage request) =>
        HttpMethods.IsGet(Method) || (TakesIdempotencyKey && request.Headers.NonValidated.Contains("Idempotency-Key"));
}

/// <summary>The public API, route by route: what is not here does not exist outside.</summary>
internal static class Routes
{
    private const string Orders = "orders";
    private const string Notifications = "notifications";

    public static IReadOnlyList<Route> All { get; } =
    [
        new(
            "POST",
            "/api/v1/orders",
            Orders,
            Scopes.OrdersWrite,
            StatusCodes.Status201Created,
            TakesIdempotencyKey: true
        ),
        new("GET", "/api/v1/orders", Orders, Scopes.OrdersRead),
        new("GET", "/api/v1/orders/{id}", Orders, Scopes.OrdersRead),
        new("POST", "/api/v1/orders/{id}/confirm", Orders, Scopes.OrdersWrite, TakesIdempotencyKey: true),
        new("POST", "/api/v1/orders/{id}/cancel", Orders, Scopes.OrdersWrite, TakesIdempotencyKey: true),
        new("GET", "/api/v1/orders/{id}/notifications", Notifications, Scopes.OrdersRead),
        new("GET", "/openapi/v1.json", Orders, Scope: null),
        new("GET", "/docs", Orders, Scope: null),
        new("GET", "/docs/{asset}", Orders, Scope: null),
    ];

    public static void AddRoutes(this WebApplicationBuilder builder)
    {
        var timeouts = Timeouts.Read(builder.Configuration);
        builder.Services.AddSingleton(timeouts);
        builder.Services.AddSingleton<IForwarderHttpClientFactory, ResilientClientFactory>();

        var routes = All.ToDictionary(route => route.Id);
        builder
            .Services.AddReverseProxy()
            .AddServiceDiscoveryDestinationResolver()
            .LoadFromMemory(
                [.. All.Select(Config)],
                [.. All.Select(route => route.Service).Distinct().Select(service => Cluster(service, timeouts))]
            )
            .AddTransforms(transforms =>
            {
                var route = routes[transforms.Route.RouteId];
                transforms.AddRequestTransform(request =>
                {
                    new ForwardedRequest(request.HttpContext, route.IsRepeatable(request.ProxyRequest)).AttachTo(
                        request.ProxyRequest
                    );
                    return ValueTask.CompletedTask;
                });
            });

        // A failed forward is logged once, by ForwardFailures.
        builder.Logging.AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.None);
    }

    public static void MapRoutes(this WebApplication app) =>
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<ForwardFailures>();
            proxy.UseLoadBalancing();
        });

    private static RouteConfig Config(Route route) =>
        new()
        {
            RouteId = route.Id,
            ClusterId = route.Service,
            AuthorizationPolicy = route.Scope,
            Match = new RouteMatch { Methods = [route.Method], Path = route.Template },
        };

    private static ClusterConfig Cluster(string service, Timeouts timeouts) =>
        new()
        {
            ClusterId = service,
            LoadBalancingPolicy = LoadBalancingPolicies.RoundRobin,
            // ASP.NET's request timeouts would not do: YARP takes their cancellation for the client's and answers 400.
            HttpRequest = new ForwarderRequestConfig { ActivityTimeout = timeouts.TotalTimeout },
            // Kestrel reads headers as UTF-8. With its defaults, .NET's client would refuse to send those that are not
            // ASCII, and we would answer 502.
            HttpClient = new HttpClientConfig { RequestHeaderEncoding = "utf-8", ResponseHeaderEncoding = "utf-8" },
            // HTTPS where the service offers it: https://aka.ms/dotnet/sd
            Destinations = new Dictionary<string, DestinationConfig>
            {
                [service] = new() { Address = $"https+http://{service}" },
            },
        };
}
