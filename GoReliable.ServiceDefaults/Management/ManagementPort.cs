using System.Globalization;
using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.ServiceDefaults.Management;

/// <summary>
/// The port for metrics and health, apart from the public one. The local port of its connection decides whether a
/// request belongs to it: the Host header, which <c>RequireHost</c> looks at, is chosen by the client.
/// </summary>
/// <param name="Number">TCP port, from <c>MANAGEMENT_PORT</c>.</param>
public sealed record ManagementPort(int Number)
{
    /// <summary>Where nothing is configured: the port that OpenTelemetry reserves for a Prometheus endpoint.</summary>
    public const int Default = 9464;

    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>Whether this request came in on the management port.</summary>
    public bool Received(HttpContext context) => context.Connection.LocalPort == Number;

    /// <summary>Reads <c>MANAGEMENT_PORT</c> and adds it to where the server listens.</summary>
    /// <exception cref="InvalidSettingException">
    /// It is no port, or the public one; or the public one cannot be read.
    /// </exception>
    internal static ManagementPort Bind(WebApplicationBuilder builder)
    {
        var configured = builder.Configuration["MANAGEMENT_PORT"];
        if (
            !int.TryParse(configured ?? $"{Default}", NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number is < 1 or > 65535
        )
            throw new InvalidSettingException(
                $"MANAGEMENT_PORT is '{configured}', but must be a port from 1 to 65535."
            );

        var urls = PublicUrls(builder.Configuration);
        var addresses = Array.ConvertAll(urls, Parse);
        if (addresses.Any(address => address.Port == number))
            throw new InvalidSettingException(
                $"MANAGEMENT_PORT {number} is the public port as well; metrics and health need one of their own."
            );

        // Listens where the public port listens: on loopback on a developer's machine, on every interface in a
        // container.
        var url = $"http://{addresses[0].Host}:{number}";
        builder.WebHost.UseUrls([.. urls, url]);
        // Where Kestrel's own section has endpoints, it listens to nothing else.
        if (builder.Configuration.GetSection(Endpoints).GetChildren().Any())
            builder.Configuration.AddInMemoryCollection([new($"{Endpoints}:Management:Url", url)]);

        var port = new ManagementPort(number);
        builder.Services.AddSingleton(port);
        return port;
    }

    // In the order in which ASP.NET looks. HTTP_PORTS is what .NET's container images set.
    private static string[] PublicUrls(ConfigurationManager configuration)
    {
        string[] endpoints =
        [
            .. configuration.GetSection(Endpoints).GetChildren().Select(endpoint => endpoint["Url"] ?? ""),
        ];
        string[] urls = Words(configuration["URLS"]);
        string[] ports =
        [
            .. Words(configuration["HTTP_PORTS"]).Select(port => $"http://*:{port}"),
            .. Words(configuration["HTTPS_PORTS"]).Select(port => $"https://*:{port}"),
        ];
        return endpoints is not [] ? endpoints
            : urls is not [] ? urls
            : ports is not [] ? ports
            : ["http://localhost:8080"];
    }

    private static string[] Words(string? text) =>
        (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static BindingAddress Parse(string url)
    {
        try
        {
            return BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            throw new InvalidSettingException($"'{url}' is not a URL to listen on, such as http://*:8080.");
        }
    }
}

internal static class ManagementPipeline
{
    /// <summary>Keeps probes and scrapes out of <c>http.server.request.duration</c>.</summary>
    public static IApplicationBuilder UseWithoutHttpMetrics(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
                    metrics.MetricsDisabled = true;
                return next(context);
            }
        );

    /// <summary>Endpoints with routing of their own: nothing that is mapped here is known on the public port.</summary>
    public static IApplicationBuilder UseOperatorEndpoints(
        this IApplicationBuilder app,
        Action<IEndpointRouteBuilder>? map
    ) =>
        map is null
            ? app
            : app.UseExceptionHandler()
                .UseStatusCodePages()
                .UseRouting()
                .UseAuthentication()
                .UseAuthorization()
                .UseEndpoints(map);

    /// <summary>Ends the branch. Without it, a public route asked for on this port would end in an exception.</summary>
    public static void UseNotFound(this IApplicationBuilder app) =>
        app.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
}
