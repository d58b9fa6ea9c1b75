namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>Values of the members of an order that make a good body a bad one, as they stand in JSON.</summary>
internal static class BadValues
{
    public static readonly string[] Quantities =
    [
        .. Words(
            """0 -0 -1 1.5 1.0 1e2 1E400 1e-400 0x10 01 +1 .5 5. 1_0 1,0 --1 1e NaN Infinity -Infinity "1" null"""
        ),
        .. Words("true [] {} [1] 1001 2147483648 -2147483649 9223372036854775808 18446744073709551616"),
        new('9', 10_000),
        $"0.{new string('0', 10_000)}1",
    ];

    public static readonly string[] Prices =
    [
        .. Words("""0 -0 -0.0 -1 0.001 1000000.01 1e7 1e400 -1e400 1e-400 0x10 01 +1 .5 5. 1_0 1,0 "1" NaN Infinity"""),
        .. Words("null true [] 79228162514264337593543950336 1.000000000000000000000000000001"),
        new('9', 10_000),
        $"1.{new string('0', 10_000)}1",
    ];

    public static readonly string[] Skus =
    [
        .. Words("""-a .a a/b a'b a\"b a\u0000 \u0000 \ud800 a\udc00 a\ud83d a\n \u202ea ä a\u200b {0} %s%n"""),
        "",
        " ",
        "a b",
        "'; DROP TABLE orders; --",
        "${jndi:ldap://x}",
        new('a', 65),
        new('a', 60_000),
    ];

    public static readonly string[] Emails =
    [
        .. Words("""a a@ @b a@b@c a\u0000@b.cd a@b\u0000 a@\ud800 a@b.cd\n .a@b.cd a..b@c.de ä@b.cd a@ü.de"""),
        .. Words("=?utf-8?q?a=40b=2eexample?=@b.cd a=?utf-8?b?YQ==?=@b.cd"),
        "",
        " ",
        "a b@c.de",
        "a@b c",
        "a\\r\\nBcc: x@y.z@b.cd",
        $"{new string('a', 65)}@b.cd",
        $"a@{new string('b', 64)}.cd",
        $"a@{string.Join('.', Enumerable.Repeat("bbbb", 60))}",
    ];

    public static readonly string[] Currencies =
    [
        .. Words("""eur EURO EU XXY \u0000 \ud800 E\u0000R ΕUR"""),
        "",
        "EUR ",
        new('E', 60_000),
    ];

    /// <summary>The words of a text, between white space.</summary>
    public static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
