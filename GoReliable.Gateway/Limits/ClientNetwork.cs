using System.Buffers.Binary;
using System.Net;

namespace GoReliable.Gateway.Limits;

/// <summary>What counts as one client among addresses.</summary>
internal static class ClientNetwork
{
    // IPv4 addresses are counted in 0:ffff::/32, which nobody uses: the internet's addresses begin at 2000::/3.
    private const ulong IPv4 = 0x0000_FFFF_0000_0000;

    /// <summary>
    /// One IPv4 address, or the /64 of an IPv6 address: a single subscriber has at least a /64, and could use a new
    /// address for each request (https://www.rfc-editor.org/rfc/rfc6177).
    /// </summary>
    /// <param name="address">The client's address; null if the connection has none, as with a Unix socket.</param>
    /// <returns>A number that is equal for equal clients.</returns>
    public static ulong Of(IPAddress? address)
    {
        if (address is null)
            return 0;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (address.IsIPv4MappedToIPv6)
            return IPv4 | BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        return length == 4
            ? IPv4 | BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
