using System.Security.Cryptography;
using System.Text;

namespace GoReliable.Orders.Ordering;

/// <summary>A request with an <c>Idempotency-Key</c>.</summary>
/// <param name="Key">The key.</param>
/// <param name="Hash">SHA-256 of what is asked for: tells whether a key is used again for the same.</param>
internal sealed record KeyedRequest(string Key, byte[] Hash)
{
    /// <summary>The hash of a change that has no body: what is done to which order.</summary>
    public static byte[] HashOf(string change, Guid order) =>
        SHA256.HashData(Encoding.ASCII.GetBytes($"{change} {order}"));
}

/// <summary>What is remembered of the first request with a key.</summary>
/// <param name="Hash">SHA-256 of what it asked for.</param>
/// <param name="Answer">The order as its answer said it, where it confirmed or cancelled one.</param>
internal sealed record FirstRequest(byte[] Hash, Order? Answer);
