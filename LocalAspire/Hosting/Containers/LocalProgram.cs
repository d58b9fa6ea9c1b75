using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Containers;

/// <summary>A program that does what an image does.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="Package">The package that it is installed with.</param>
/// <param name="DefaultArguments">The image's own arguments, which given ones replace.</param>
/// <param name="ListenArgument">The argument that makes it listen on a loopback port.</param>
internal sealed record LocalProgram(string Program, string Package, string[] DefaultArguments, Func<int, string> ListenArgument)
{
    private static readonly Dictionary<string, LocalProgram> ByImage = new()
    {
        ["prom/prometheus"] = new("prometheus", "prometheus",
            ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
            port => string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}")),
    };

    /// <summary>The program for a container's image; null when none is known.</summary>
    public static LocalProgram? For(ContainerResource container) =>
        container.TryGetLastAnnotation<ContainerImageAnnotation>(out var image)
            ? ByImage.GetValueOrDefault(image.Image.Replace("docker.io/", "", StringComparison.Ordinal))
            : null;

    /// <summary>Why a container does not run on this machine; null when it does.</summary>
    public static string? WhySkipped(IResource resource) => resource is not ContainerResource container || resource is PostgresServerResource or RabbitMQServerResource ? null
        : For(container) is not { } local ? "skipped: needs a container runtime"
        : Programs.Find(local.Program) is null ? $"skipped: needs a container runtime, or {Programs.Install(local.Package)}"
        : null;
}
