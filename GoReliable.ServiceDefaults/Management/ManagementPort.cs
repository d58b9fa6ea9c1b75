using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.ServiceDefaults.Management;

/// <summary>
/// The port for metrics and health, apart from the public one. A request belongs to it by the local port of its
/// connection: a Host header, which <c>RequireHost</c> looks at, is the client's to choose.
/// </summary>
/// <param name="Number">TCP port, from <c>MANAGEMENT_PORT</c>.</param>
public sealed record ManagementPort(int Number)
{
    /// <summary>Where nothing is configured: the port that OpenTelemetry reserves for a Prometheus endpoint.</summary>
    public const int Default = 9464;

    /// <summary>Whether this request came in on the management port.</summary>
    public bool Received(HttpContext context) => context.Connection.LocalPort == Number;

    /// <summary>Reads <c>MANAGEMENT_PORT</c> and adds it to the server's URLs.</summary>
    internal static ManagementPort Bind(WebApplicationBuilder builder)
    {
        var configured = builder.Configuration["MANAGEMENT_PORT"];
        if (!int.TryParse(configured ?? $"{Default}", NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
            throw new InvalidOperationException($"MANAGEMENT_PORT is '{configured}', but must be a port from 1 to 65535.");

        var urls = PublicUrls(builder).ToList();
        if (urls.Any(url => BindingAddress.Parse(url).Port == number))
            throw new InvalidOperationException($"MANAGEMENT_PORT {number} is the public port as well; metrics and health need one of their own.");

        // Listens where the public port listens: on loopback at a developer's, on every interface in a container.
        urls.Add($"http://{BindingAddress.Parse(urls[0]).Host}:{number}");
        builder.WebHost.UseUrls([.. urls]);

        var port = new ManagementPort(number);
        builder.Services.AddSingleton(port);
        return port;
    }

    // HTTP_PORTS is what .NET's container images set; it is ignored by Kestrel as soon as URLs are given.
    private static IEnumerable<string> PublicUrls(WebApplicationBuilder builder)
    {
        const StringSplitOptions Tidy = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        if (builder.Configuration["URLS"] is { Length: > 0 } urls)
            return urls.Split(';', Tidy);
        if (builder.Configuration["HTTP_PORTS"] is { Length: > 0 } ports)
            return ports.Split(';', Tidy).Select(port => $"http://*:{port}");
        return ["http://localhost:8080"];
    }
}

internal static class ManagementPipeline
{
    /// <summary>Keeps probes and scrapes out of <c>http.server.request.duration</c>.</summary>
    public static IApplicationBuilder UseWithoutHttpMetrics(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;
        return next(context);
    });

    /// <summary>Endpoints with routing of their own: nothing that is mapped here is known on the public port.</summary>
    public static IApplicationBuilder UseOperatorEndpoints(this IApplicationBuilder app, Action<IEndpointRouteBuilder>? map) => map is null ? app : app
        .UseExceptionHandler()
        .UseStatusCodePages()
        .UseRouting()
        .UseAuthentication()
        .UseAuthorization()
        .UseEndpoints(map);

    /// <summary>Ends the branch. Without it, a public route asked for on this port would end in an exception.</summary>
    public static void UseNotFound(this IApplicationBuilder app) => app.Run(context =>
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
