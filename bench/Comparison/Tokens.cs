using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// Tokens as <c>dotnet user-jwts</c> makes them, with a key that the services get as they get the AppHost's.
/// </summary>
internal sealed class Tokens
{
    private const string Issuer = "dotnet-user-jwts";
    private static readonly string Header = Encode("""{"alg":"HS256","typ":"JWT"}""");

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    /// <summary>What the services are to know.</summary>
    public (string Name, string Value)[] Settings =>
        [
            ("Authentication__Schemes__Bearer__ValidIssuer", Issuer),
            ("Authentication__Schemes__Bearer__SigningKeys__0__Issuer", Issuer),
            ("Authentication__Schemes__Bearer__SigningKeys__0__Value", Convert.ToBase64String(key)),
        ];

    /// <summary>For a customer who may read and write orders; longer than any run.</summary>
    public string Issue(string customer)
    {
        var now = DateTimeOffset.UtcNow;
        var content =
            $"{Header}."
            + Encode(
                JsonSerializer.Serialize(
                    new Dictionary<string, object>
                    {
                        ["iss"] = Issuer,
                        ["aud"] = "goreliable",
                        ["sub"] = customer,
                        ["scope"] = "orders:read orders:write",
                        ["nbf"] = now.ToUnixTimeSeconds(),
                        ["exp"] = now.AddDays(7).ToUnixTimeSeconds(),
                    }
                )
            );
        return $"{content}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(content)))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
