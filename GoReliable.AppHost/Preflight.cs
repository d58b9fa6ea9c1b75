using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;

/// <summary>
/// Says in one sentence why the application cannot start, instead of a stack trace or a wait without end.
/// </summary>
internal static class Preflight
{
    // Where Aspire reads the addresses of its dashboard.
    private static readonly string[] DashboardAddresses =
    [
        "ASPNETCORE_URLS",
        "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL",
    ];

    /// <summary>Runs the application until it ends.</summary>
    /// <returns>The exit code: 1 if something prevented a start; standard error says what.</returns>
    public static async Task<int> RunAsync(this IDistributedApplicationBuilder builder)
    {
        try
        {
            builder.Eventing.Subscribe<BeforeStartEvent>(
                (_, _) =>
                {
                    builder.CheckPorts();
                    return Task.CompletedTask;
                }
            );
            await using var application = builder.Build();
            await application.RunAsync();
            return 0;
        }
        catch (DistributedApplicationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        catch (IOException e)
        {
            await Console.Error.WriteLineAsync($"{e.Message} (Temporary files are in {Path.GetTempPath()}.)");
            return 1;
        }
    }

    private static void CheckPorts(this IDistributedApplicationBuilder builder)
    {
        // Tests let the orchestrator choose the ports.
        if (!builder.ExecutionContext.IsRunMode || builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
            return;

        var endpoints =
            from resource in builder.Resources
            from endpoint in resource.Annotations.OfType<EndpointAnnotation>()
            where endpoint.Port is not null
            select (Port: endpoint.Port!.Value, Of: $"'{resource.Name}'");
        var dashboard =
            from name in DashboardAddresses
            from address in (builder.Configuration[name] ?? "").Split(';')
            where Uri.TryCreate(address, UriKind.Absolute, out _)
            select (new Uri(address).Port, Of: "the dashboard");
        foreach (var (port, of) in endpoints.Concat(dashboard))
        {
            // Browsers and curl ask localhost's IPv6 address first, where another program may answer.
            Check(IPAddress.Loopback, port, of);
            if (Socket.OSSupportsIPv6)
                Check(IPAddress.IPv6Loopback, port, of);
        }
    }

    private static void Check(IPAddress address, int port, string of)
    {
        using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, port));
        }
        // The kernel can IPv6, but this machine has no such address.
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable) { }
        catch (SocketException e)
        {
            throw new DistributedApplicationException(
                e.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"Port {port}, which is for {of}, is taken by another program. "
                        + "Is the platform running already? End that first."
                    : $"Port {port}, which is for {of}, cannot be used: {e.Message}"
            );
        }
    }
}
