using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Processes;

/// <summary>Chooses and tests ports of the loopback interface.</summary>
internal static class Ports
{
    private static readonly Lock Lock = new();
    private static readonly HashSet<int> Given = [];

    /// <summary>
    /// A free port that was not given before. It lies below the kernel's ephemeral range,
    /// so that no outgoing connection takes it between now and the moment when the process listens.
    /// </summary>
    public static int Free()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_000, 32_000);
            lock (Lock)
            {
                if (!Given.Contains(port) && !IsTaken(port))
                {
                    Given.Add(port);
                    return port;
                }
            }
        }
    }

    public static bool IsTaken(int port) => IsTaken(IPAddress.Loopback, port) || (Socket.OSSupportsIPv6 && IsTaken(IPAddress.IPv6Loopback, port));

    private static bool IsTaken(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            // A machine without IPv6 on its loopback interface.
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
