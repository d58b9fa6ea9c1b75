using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>What every project gets: telemetry variables, endpoints of its launch profile, the URLs to listen on.</summary>
internal static class ProjectDefaults
{
    /// <summary>The endpoint that is created for https only so that the manifest has one; nothing listens there inside a container.</summary>
    private sealed class DefaultHttpsEndpointAnnotation(EndpointAnnotation endpoint) : IResourceAnnotation
    {
        public EndpointAnnotation Endpoint => endpoint;
    }

    public static IResourceBuilder<ProjectResource> WithRunDefaults(this IResourceBuilder<ProjectResource> builder, ProjectResourceOptions options)
    {
        var configuration = builder.ApplicationBuilder.Configuration;
        builder.WithCommonDefaults().WithTelemetry().WithEnvironment(SetAspNetCoreUrls);

        var appHostProfile = configuration["AppHost:DefaultLaunchProfileName"] ?? configuration["DOTNET_LAUNCH_PROFILE"];
        if (LaunchSettings.Select(builder.Resource.GetProjectMetadata(), options, appHostProfile) is not var (name, profile))
            return builder;

        var perScheme = new Dictionary<string, int>();
        foreach (var url in profile.ApplicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            var address = BindingAddress.Parse(url);
            var count = perScheme[address.Scheme] = perScheme.GetValueOrDefault(address.Scheme) + 1;
            builder.WithEndpoint(count == 1 ? address.Scheme : $"{address.Scheme}{count}", endpoint =>
            {
                endpoint.Port = address.Port;
                endpoint.UriScheme = address.Scheme;
                endpoint.FromLaunchProfile = true;
            });
        }

        return builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", name);
            foreach (var (variable, value) in profile.EnvironmentVariables)
                context.EnvironmentVariables.TryAdd(variable, Environment.ExpandEnvironmentVariables(value));
        });
    }

    public static IResourceBuilder<ProjectResource> WithPublishDefaults(this IResourceBuilder<ProjectResource> builder, ProjectResourceOptions options)
    {
        builder.WithCommonDefaults()
            .WithEnvironment(context =>
            {
                if (builder.Resource.GetEndpoints().Any())
                    context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
            })
            .WithEnvironment(SetPorts);

        // A project with an applicationUrl is a web project: it gets http and https, on one target port.
        var configuration = builder.ApplicationBuilder.Configuration;
        var appHostProfile = configuration["AppHost:DefaultLaunchProfileName"] ?? configuration["DOTNET_LAUNCH_PROFILE"];
        if (LaunchSettings.Select(builder.Resource.GetProjectMetadata(), options, appHostProfile)?.Profile.ApplicationUrl is null)
            return builder;

        builder.WithEndpoint("http", endpoint => endpoint.UriScheme = "http");
        return builder.WithEndpoint("https", endpoint =>
        {
            endpoint.UriScheme = "https";
            builder.WithAnnotation(new DefaultHttpsEndpointAnnotation(endpoint));
        });
    }

    /// <summary>An endpoint with a variable of its own is kept out of those that Kestrel is told of: the project opens it itself.</summary>
    public static bool ShouldInjectEndpointEnvironment(EndpointAnnotation endpoint) =>
        endpoint.UriScheme is "http" or "https" && endpoint.TargetPortEnvironmentVariable is null;

    private static IResourceBuilder<ProjectResource> WithCommonDefaults(this IResourceBuilder<ProjectResource> builder) =>
        builder.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory");

    private static IResourceBuilder<ProjectResource> WithTelemetry(this IResourceBuilder<ProjectResource> builder)
    {
        var development = builder.ApplicationBuilder.Environment.IsDevelopment();
        return builder.WithOtlpExporter().WithEnvironment(context =>
        {
            var variables = context.EnvironmentVariables;
            variables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
            variables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
            if (!development)
                return;

            variables["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
            variables["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true";
        });
    }

    private static void SetAspNetCoreUrls(EnvironmentCallbackContext context)
    {
        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in ((IResourceWithEndpoints)context.Resource).GetEndpoints().Where(e => ShouldInjectEndpointEnvironment(e.EndpointAnnotation)))
        {
            if (endpoint.IsHttps)
                context.EnvironmentVariables.TryAdd("ASPNETCORE_HTTPS_PORT", endpoint.Property(EndpointProperty.Port));

            urls.AppendLiteral(urls.IsEmpty ? "" : ";");
            urls.Append($"{endpoint.Property(EndpointProperty.Scheme)}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }

        if (!urls.IsEmpty)
            context.EnvironmentVariables.TryAdd("ASPNETCORE_URLS", urls.Build());
    }

    private static void SetPorts(EnvironmentCallbackContext context)
    {
        context.Resource.TryGetLastAnnotation<DefaultHttpsEndpointAnnotation>(out var defaultHttps);
        foreach (var (scheme, variable) in new[] { ("http", "HTTP_PORTS"), ("https", "HTTPS_PORTS") })
        {
            var ports = new ReferenceExpressionBuilder();
            foreach (var endpoint in ((IResourceWithEndpoints)context.Resource).GetEndpoints()
                .Where(e => e.Scheme == scheme && e.EndpointAnnotation != defaultHttps?.Endpoint && ShouldInjectEndpointEnvironment(e.EndpointAnnotation)))
            {
                ports.AppendLiteral(ports.IsEmpty ? "" : ";");
                ports.Append($"{endpoint.Property(EndpointProperty.TargetPort)}");
            }

            if (!ports.IsEmpty)
                context.EnvironmentVariables.TryAdd(variable, ports.Build());
        }
    }
}
