namespace Aspire.Hosting.Publishing;

/// <summary>Writes the deployment manifest.</summary>
internal static class ManifestPublisher
{
    /// <summary>Called by <see cref="DistributedApplication.RunAsync"/> when the arguments ask to publish.</summary>
    /// <exception cref="DistributedApplicationException">Nothing was written; the message says why.</exception>
    public static Task PublishAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        throw new DistributedApplicationException("Publishing is not part of this engine yet.");
}
