using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Console;

internal static class ConsoleSession
{
    public static Task RunAsync(DistributedApplication application, CancellationToken cancellationToken) => HostingAbstractionsHostExtensions.RunAsync(application, cancellationToken);
}
