using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Names volumes.</summary>
public static class VolumeNameGenerator
{
    /// <summary>A name that differs between AppHosts: <c>apphost-hash-resource-suffix</c>.</summary>
    public static string Generate<T>(IResourceBuilder<T> builder, string suffix) where T : IResource
    {
        var application = string.Concat(builder.ApplicationBuilder.Environment.ApplicationName
            .Select((c, i) => char.IsAsciiLetterOrDigit(c) || (i > 0 && c is '_' or '.' or '-') ? c : '_'));
        var hash = builder.ApplicationBuilder.Configuration["AppHost:Sha256"]![..10];
        return $"{application.ToLowerInvariant()}-{hash.ToLowerInvariant()}-{builder.Resource.Name}-{suffix}";
    }
}
