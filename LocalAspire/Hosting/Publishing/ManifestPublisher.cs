using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Publishing;

/// <summary>
/// Writes the deployment manifest: <c>--operation publish --step publish-manifest --output-path FILE</c>,
/// or azd's form <c>--publisher manifest --output-path FILE</c>. Nothing is started for it.
/// </summary>
internal static class ManifestPublisher
{
    private const string Step = "publish-manifest";

    /// <summary>Called by <see cref="DistributedApplication.RunAsync"/> when the arguments ask to publish.</summary>
    /// <exception cref="DistributedApplicationException">Nothing was written; the message says why.</exception>
    public static async Task PublishAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        CheckStep(configuration);
        var path = OutputPath(configuration);

        // The file is touched once the whole manifest is there: a failure leaves the old one.
        using var manifest = new MemoryStream();
        await using (var json = new Utf8JsonWriter(manifest, new JsonWriterOptions { Indented = true }))
        {
            var context = services.GetRequiredService<DistributedApplicationExecutionContext>();
            await new ManifestWriter(json, Path.GetDirectoryName(path)!, context, cancellationToken)
                .WriteAsync(services.GetRequiredService<DistributedApplicationModel>());
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, manifest.ToArray(), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException($"The manifest could not be written: {e.Message}", e);
        }

        await System.Console.Out.WriteLineAsync($"Published manifest to: {path}");
    }

    private static void CheckStep(IConfiguration configuration)
    {
        var publisher = configuration["Publishing:Publisher"];
        if (publisher is not null && !publisher.Equals("manifest", StringComparison.OrdinalIgnoreCase))
            throw new DistributedApplicationException($"Unknown publisher '{publisher}': without Aspire's packages there is only 'manifest'.");

        var step = configuration["Pipeline:Step"];
        if (string.IsNullOrWhiteSpace(step) && publisher is null)
            throw new DistributedApplicationException($"Say what to publish: --step {Step}.");

        if (!string.IsNullOrWhiteSpace(step) && step != Step)
            throw new DistributedApplicationException($"Unknown step '{step}': without Aspire's packages there is only '{Step}'.");
    }

    // As in Aspire: a path that is no .json file is a directory.
    private static string OutputPath(IConfiguration configuration) => configuration["Pipeline:OutputPath"] switch
    {
        null or "" => throw new DistributedApplicationException("Say where to publish to: --output-path FILE."),
        var path when path.EndsWith(".json", StringComparison.Ordinal) => Path.GetFullPath(path),
        var path => Path.GetFullPath(Path.Combine(path, "aspire-manifest.json")),
    };
}
