using System.IO.Compression;
using System.Text;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>Bodies of <c>POST /api/v1/orders</c> that are no order, by what is wrong with them.</summary>
internal static class Bodies
{
    /// <summary>A good one.</summary>
    public const string Good =
        """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}],"contactEmail":"a@example.com"}""";

    private static readonly string[] Texts =
    [
        "",
        " ",
        "\t\r\n",
        "null",
        "true",
        "0",
        "\"\"",
        "[]",
        "{}",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "\"",
        "nul",
        "{\"currency\"",
        "{\"currency\":",
        "{\"currency\":}",
        "{\"currency\":\"EUR\"",
        "{\"currency\":\"EUR\",}",
        "{'currency':'EUR'}",
        "{currency:\"EUR\"}",
        $"{Good},",
        $"{Good}{Good}",
        $"[{Good}]",
        $"{Good} x",
        $"/* a comment */{Good}",
        $"// a comment\n{Good}",
        Good[..^1],
        Good[1..],
        Good.Replace("\"sku\":\"a\"", "\"sku\":\"a\\x\"", StringComparison.Ordinal),
        Good.Replace("\"sku\":\"a\"", "\"sku\":\"a\\u12\"", StringComparison.Ordinal),
        Good.Replace("\"a\"", "\"a\u0000\"", StringComparison.Ordinal),
        Good.Replace("\"a\"", "\"a\n\"", StringComparison.Ordinal),
        "<order/>",
        "currency=EUR&items=a",
        "---\ncurrency: EUR",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>",
        Good.Replace("\"EUR\"", "null", StringComparison.Ordinal),
        Good.Replace("\"EUR\"", "1", StringComparison.Ordinal),
        Good.Replace("\"EUR\"", "[\"EUR\"]", StringComparison.Ordinal),
        """{"currency":"EUR","items":[]}""",
        """{"currency":"EUR","items":[null]}""",
        """{"currency":"EUR","items":{}}""",
        """{"currency":"EUR","items":null}""",
        """{"currency":"EUR"}""",
        """{"items":[{"sku":"a","quantity":1,"unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"quantity":1,"unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"sku":"a","unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1}]}""",
        Good.Replace("{\"currency\"", "{\"currency\":\"EUR\",\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"sku\"", "{\"sku\":\"b\",\"sku\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"\\u0063urrency\":\"USD\",\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"Currency\":\"USD\",\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"id\":1,\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"__proto__\":{},\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"$type\":\"System.IO.FileInfo\",\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"currency\"", "{\"\":0,\"currency\"", StringComparison.Ordinal),
        Good.Replace("{\"sku\"", "{\"total\":0,\"sku\"", StringComparison.Ordinal),
        Good.Replace("{\"sku\"", "{\"a\\ud800\":0,\"sku\"", StringComparison.Ordinal),
        new('[', 30_000),
        $"{new string('[', 20_000)}{new string(']', 20_000)}",
        string.Concat(Enumerable.Repeat("{\"items\":", 5_000)),
        "{\"currency\":\"EUR\",\"items\":["
            + string.Join(',', Enumerable.Repeat("""{"sku":"a","quantity":1,"unitPrice":1}""", 101))
            + "]}",
        $"{{{string.Join(',', Enumerable.Range(0, 4000).Select(i => $"\"m{i}\":0"))}}}",
    ];

    /// <summary>All bad bodies that are sent with the content type application/json.</summary>
    public static IReadOnlyList<byte[]> All { get; } =
    [
        .. BadValues
            .Quantities.Select(value =>
                Good.Replace("\"quantity\":2", $"\"quantity\":{value}", StringComparison.Ordinal)
            )
            .Concat(
                BadValues.Prices.Select(value =>
                    Good.Replace("\"unitPrice\":1.5", $"\"unitPrice\":{value}", StringComparison.Ordinal)
                )
            )
            .Concat(
                BadValues.Skus.Select(value =>
                    Good.Replace("\"sku\":\"a\"", $"\"sku\":\"{value}\"", StringComparison.Ordinal)
                )
            )
            .Concat(BadValues.Emails.Select(value => Good.Replace("a@example.com", value, StringComparison.Ordinal)))
            .Concat(BadValues.Currencies.Select(value => Good.Replace("EUR", value, StringComparison.Ordinal)))
            .Concat(Texts)
            .Select(Encoding.UTF8.GetBytes),
        // Not UTF-8.
        Encoding.Unicode.GetBytes(Good),
        Encoding.BigEndianUnicode.GetBytes(Good),
        Encoding.UTF32.GetBytes(Good),
        With(0xff),
        With(0xc0, 0xaf),
        With(0xe2, 0x82),
        With(0xed, 0xa0, 0x80),
        With(0xf5, 0x80, 0x80, 0x80),
        With(0x80),
        [0],
        [0xff, 0xfe],
        [0xef, 0xbb, 0xbf],
        [.. Enumerable.Repeat((byte)0, 60_000)],
    ];

    /// <summary>A valid body with an unsupported content type or content encoding.</summary>
    public static IReadOnlyList<(string? Type, string? Encoding, byte[] Body)> BadlyDescribed { get; } =
    [
        .. new[]
        {
            null,
            "text/plain",
            "text/json",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "application",
            "json",
            "/",
            "application/json/",
            ";",
            "*/*",
            new string('a', 5000),
        }.Select(type => (type, (string?)null, Encoding.UTF8.GetBytes(Good))),
        .. new[] { "gzip", "br", "deflate", "identity, gzip", "nonsense" }.Select(encoding =>
            ((string?)"application/json", (string?)encoding, Encoding.UTF8.GetBytes(Good))
        ),
        ("application/json", "gzip", Zip(Good)),
        // A megabyte of spaces in a kilobyte.
        ("application/json", "gzip", Zip(new string(' ', 1_000_000))),
    ];

    private static byte[] With(params byte[] bytes)
    {
        var at = Good.IndexOf("\"a\"", StringComparison.Ordinal) + 2;
        return [.. Encoding.UTF8.GetBytes(Good[..at]), .. bytes, .. Encoding.UTF8.GetBytes(Good[at..])];
    }

    private static byte[] Zip(string text)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Optimal))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return zipped.ToArray();
    }
}
