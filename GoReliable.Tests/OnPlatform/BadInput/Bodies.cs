using System.IO.Compression;
using System.Text;
using static GoReliable.Tests.OnPlatform.BadInput.BadValues;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>Bodies of <c>POST /api/v1/orders</c> that are no order, by what is wrong with them.</summary>
internal static class Bodies
{
    /// <summary>A good one.</summary>
    public const string Good =
        """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}],"contactEmail":"a@example.com"}""";

    private const string Json = "application/json";

    private static readonly string[] Texts =
    [
        .. Words(
            """null true 0 "" [] {} { } [ ] {] " nul {"currency" {"currency": {"currency":} {"currency":"EUR" <order/>"""
        ),
        .. Words("""{"currency":"EUR",} {'currency':'EUR'} {currency:"EUR"} currency=EUR&items=a"""),
        "",
        " ",
        "\t\r\n",
        $"{Good},",
        $"{Good}{Good}",
        $"[{Good}]",
        $"{Good} x",
        $"/* a comment */{Good}",
        $"// a comment\n{Good}",
        Good[..^1],
        Good[1..],
        With("\"sku\":\"a\"", "\"sku\":\"a\\x\""),
        With("\"sku\":\"a\"", "\"sku\":\"a\\u12\""),
        With("\"a\"", "\"a\u0000\""),
        With("\"a\"", "\"a\n\""),
        "---\ncurrency: EUR",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>",
        With("\"EUR\"", "null"),
        With("\"EUR\"", "1"),
        With("\"EUR\"", "[\"EUR\"]"),
        """{"currency":"EUR","items":[]}""",
        """{"currency":"EUR","items":[null]}""",
        """{"currency":"EUR","items":[[[[[[[[[[]]]]]]]]]]}""",
        """{"currency":"EUR","items":{}}""",
        """{"currency":"EUR","items":null}""",
        """{"currency":"EUR"}""",
        """{"items":[{"sku":"a","quantity":1,"unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"quantity":1,"unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"sku":"a","unitPrice":1}]}""",
        """{"currency":"EUR","items":[{"sku":"a","quantity":1}]}""",
        With("{\"currency\"", "{\"currency\":\"EUR\",\"currency\""),
        With("{\"sku\"", "{\"sku\":\"b\",\"sku\""),
        With("{\"currency\"", "{\"\\u0063urrency\":\"USD\",\"currency\""),
        With("{\"currency\"", "{\"Currency\":\"USD\",\"currency\""),
        With("{\"currency\"", "{\"id\":1,\"currency\""),
        With("{\"currency\"", "{\"__proto__\":{},\"currency\""),
        With("{\"currency\"", "{\"$type\":\"System.IO.FileInfo\",\"currency\""),
        With("{\"currency\"", "{\"\":0,\"currency\""),
        With("{\"sku\"", "{\"total\":0,\"sku\""),
        With("{\"sku\"", "{\"a\\ud800\":0,\"sku\""),
        new('[', 30_000),
        $"{new string('[', 20_000)}{new string(']', 20_000)}",
        string.Concat(Enumerable.Repeat("{\"items\":", 5_000)),
        "{\"currency\":\"EUR\",\"items\":["
            + string.Join(',', Enumerable.Repeat("""{"sku":"a","quantity":1,"unitPrice":1}""", 101))
            + "]}",
        $"{{{string.Join(',', Enumerable.Range(0, 4000).Select(i => $"\"m{i}\":0"))}}}",
    ];

    /// <summary>What is wrong with these is not a value of an order.</summary>
    public static IReadOnlyList<byte[]> Malformed { get; } =
    [
        .. Texts.Select(Encoding.UTF8.GetBytes),
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

    /// <summary>All bad bodies that are sent with the content type application/json.</summary>
    public static IReadOnlyList<byte[]> All { get; } =
    [
        .. Malformed,
        .. Quantities
            .Select(value => With("\"quantity\":2", $"\"quantity\":{value}"))
            .Concat(Prices.Select(value => With("\"unitPrice\":1.5", $"\"unitPrice\":{value}")))
            .Concat(Skus.Select(value => With("\"sku\":\"a\"", $"\"sku\":\"{value}\"")))
            .Concat(Emails.Select(value => With("a@example.com", value)))
            .Concat(Currencies.Select(value => With("EUR", value)))
            .Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>Bodies with an unsupported content type or content encoding.</summary>
    public static IReadOnlyList<(string? Type, string? Encoding, byte[] Body)> BadlyDescribed { get; } =
    [
        .. Words("text/plain text/json application/xml application/x-www-form-urlencoded application/octet-stream")
            .Concat(Words("application json / application/json/ ; */*"))
            .Concat([null!, "multipart/form-data; boundary=x", new('a', 5000)])
            .Select(type => ((string?)type, (string?)null, Encoding.UTF8.GetBytes(Good))),
        .. new[] { "gzip", "br", "deflate", "identity, gzip", "nonsense" }.Select(encoding =>
            ((string?)Json, (string?)encoding, Encoding.UTF8.GetBytes(Good))
        ),
        (Json, "gzip", Zip(Good)),
        // A megabyte of spaces in a kilobyte.
        (Json, "gzip", Zip(new string(' ', 1_000_000))),
    ];

    private static string With(string part, string bad) => Good.Replace(part, bad, StringComparison.Ordinal);

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
