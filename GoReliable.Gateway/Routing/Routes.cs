using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace GoReliable.Gateway.Routing;

/// <summary>One route of the public API.</summary>
/// <param name="Method">The one method that is let through.</param>
/// <param name="Template">Its path, and its label in metrics.</param>
/// <param name="Service">Who answers, by its name in service discovery.</param>
/// <param name="Success">The status of a good answer.</param>
internal sealed record Route(string Method, string Template, string Service, int Success = StatusCodes.Status200OK);

/// <summary>The public API, route by route: what is not here does not exist outside.</summary>
internal static class Routes
{
    private const string Orders = "orders";
    private const string Notifications = "notifications";

    public static IReadOnlyList<Route> All { get; } =
    [
        new("POST", "/api/v1/orders", Orders, StatusCodes.Status201Created),
        new("GET", "/api/v1/orders", Orders),
        new("GET", "/api/v1/orders/{id}", Orders),
        new("POST", "/api/v1/orders/{id}/confirm", Orders),
        new("POST", "/api/v1/orders/{id}/cancel", Orders),
        new("GET", "/api/v1/orders/{id}/notifications", Notifications),
        new("GET", "/openapi/v1.json", Orders),
        new("GET", "/docs", Orders),
        new("GET", "/docs/{asset}", Orders),
    ];

    public static void AddRoutes(this WebApplicationBuilder builder)
    {
        // How long a destination may stay silent. ASP.NET's request timeouts would not do: YARP takes their
        // cancellation for the client's and answers 400.
        var silence = builder.Configuration.GetValue("Gateway:Timeout", TimeSpan.FromSeconds(10));

        builder.Services.AddReverseProxy().LoadFromMemory(
            [.. All.Select(Forward)],
            [.. All.Select(route => route.Service).Distinct().Select(service => Cluster(service, silence))]);
        builder.Services.AddSingleton<IDestinationResolver, ServiceDestinations>();
        builder.Services.AddSingleton<IForwarderHttpClientFactory, DisturbedForwarding>();

        // A failed forward is logged once, by ForwardFailures.
        builder.Logging.AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.None);
    }

    public static void MapRoutes(this WebApplication app) => app.MapReverseProxy(proxy =>
    {
        proxy.UseMiddleware<ForwardFailures>();
        proxy.UseLoadBalancing();
    });

    private static RouteConfig Forward(Route route) => new()
    {
        RouteId = $"{route.Method} {route.Template}",
        ClusterId = route.Service,
        Match = new RouteMatch { Methods = [route.Method], Path = route.Template },
    };

    private static ClusterConfig Cluster(string service, TimeSpan silence) => new()
    {
        ClusterId = service,
        LoadBalancingPolicy = LoadBalancingPolicies.RoundRobin,
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = silence },
        // Kestrel reads headers as UTF-8; .NET's client would refuse to send what is not ASCII, and blame us with a 502.
        HttpClient = new HttpClientConfig { RequestHeaderEncoding = "utf-8", ResponseHeaderEncoding = "utf-8" },
        // HTTPS where the service offers it: https://aka.ms/dotnet/sd
        Destinations = new Dictionary<string, DestinationConfig> { [service] = new() { Address = $"https+http://{service}" } },
    };
}
