using FsCheck;
using FsCheck.Fluent;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>Random input of every kind.</summary>
internal static class Inputs
{
    private static readonly string[] Names =
    [
        "currency",
        "items",
        "sku",
        "quantity",
        "unitPrice",
        "contactEmail",
        "id",
        "",
        "\\u0000",
        "__proto__",
    ];

    private static readonly string[] Leaves =
    [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "1.5",
        "1e2",
        "1E-2",
        "1e400",
        "1e-400",
        "0.1",
        "00",
        "NaN",
        "999999999999999999999",
        "\"\"",
        "\"EUR\"",
        "\"a\"",
        "\"a@example.com\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"ä\"",
        "\"\\\"\"",
        "\"2\"",
        "\"",
        "",
        " ",
    ];

    private static readonly string[] Slots =
    [
        "\"EUR\"",
        "\"a\"",
        "2",
        "1.5",
        "\"a@example.com\"",
        "\"currency\"",
        "\"items\"",
        "\"sku\"",
        "\"quantity\"",
        "\"unitPrice\"",
        "\"contactEmail\"",
        ":",
        ",",
        "[",
        "]",
        "{",
        "}",
    ];

    /// <summary>Almost JSON.</summary>
    public static Gen<string> Json { get; } = Value(depth: 4);

    /// <summary>An order with one part replaced; it may still be valid.</summary>
    public static Gen<string> AlmostOrder { get; } =
        from slot in Gen.Elements(Slots)
        from value in Gen.Frequency((4, Value(depth: 2)), (1, Gen.Elements(Slots)), (1, Text))
        select ReplaceFirst(Bodies.Good, slot, value);

    /// <summary>An order with some bytes replaced; it may still be valid.</summary>
    public static Gen<byte[]> DamagedOrder { get; } =
        from damages in Gen.Zip(Gen.Choose(0, Bodies.Good.Length - 1), Byte).NonEmptyListOf()
        select Damage(damages);

    /// <summary>Anything.</summary>
    public static Gen<byte[]> Bytes { get; } = Byte.ArrayOf();

    /// <summary>A part of a URL: each byte as it is, if a URL may have it, or percent-encoded.</summary>
    public static Gen<string> UrlPart { get; } =
        Gen.Frequency(
                (3, Byte.Select(value => $"%{value:X2}")),
                (
                    3,
                    Gen.Elements(
                        "a",
                        "0",
                        "-",
                        ".",
                        "..",
                        ";",
                        "=",
                        "&",
                        "~",
                        ":",
                        "@",
                        "%",
                        "%%",
                        "%2",
                        "\\",
                        "'",
                        "\"",
                        "|",
                        "{",
                        "}",
                        "+",
                        "*"
                    )
                ),
                (1, Gen.Constant("/"))
            )
            .ListOf()
            .Select(string.Concat);

    /// <summary>
    /// The value of a header, one character for each byte; no line breaks, which would begin another.
    /// </summary>
    public static Gen<string> HeaderValue { get; } =
        Gen.Choose(0, 255)
            .Where(value => value is not ('\r' or '\n'))
            .Select(value => (char)value)
            .ListOf()
            .Select(string.Concat);

    private static Gen<byte> Byte => Gen.Choose(0, 255).Select(value => (byte)value);

    private static Gen<string> Text => Gen.Choose(0, 0x2ff).Select(value => (char)value).ListOf().Select(string.Concat);

    private static Gen<string> Value(int depth)
    {
        var leaf = Gen.Elements(Leaves);
        if (depth == 0)
            return leaf;
        var inner = Value(depth - 1);
        var member = from name in Gen.Elements(Names) from value in inner select $"\"{name}\":{value}";
        return Gen.Frequency(
            (3, leaf),
            (2, inner.ListOf().Select(values => $"[{string.Join(',', values.Take(4))}]")),
            (3, member.ListOf().Select(members => $"{{{string.Join(',', members.Take(6))}}}"))
        );
    }

    private static string ReplaceFirst(string text, string old, string value)
    {
        var at = text.IndexOf(old, StringComparison.Ordinal);
        return $"{text[..at]}{value}{text[(at + old.Length)..]}";
    }

    private static byte[] Damage(IEnumerable<(int At, byte Value)> damages)
    {
        var body = System.Text.Encoding.UTF8.GetBytes(Bodies.Good);
        foreach (var (at, value) in damages)
            body[at] = value;
        return body;
    }
}
