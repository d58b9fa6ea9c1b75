using System.Text;
using FsCheck;
using FsCheck.Fluent;
using static GoReliable.Tests.OnPlatform.BadInput.BadValues;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>Random input of every kind.</summary>
internal static class Inputs
{
    private static readonly string[] Names =
    [
        .. Words("""currency items sku quantity unitPrice contactEmail id \u0000 __proto__"""),
        "",
    ];

    private static readonly string[] Leaves =
    [
        .. Words("""null true false 0 -0 1 -1 1.5 1e2 1E-2 1e400 1e-400 0.1 00 NaN 999999999999999999999"""),
        .. Words(""" "" "EUR" "a" "a@example.com" "\u0000" "\ud800" "ä" "\"" "2" " """),
        "",
        " ",
    ];

    private static readonly string[] Slots =
    [
        .. Words(
            """ "EUR" "a" 2 1.5 "a@example.com" "currency" "items" "sku" "quantity" "unitPrice" "contactEmail" """
        ),
        .. Words(": , [ ] { }"),
    ];

    private static readonly string[] UrlParts = Words("""a 0 - . .. ; = & ~ : @ % %% %2 \ ' " | { } + *""");

    /// <summary>A request with random input in one place.</summary>
    public static Gen<string> Request { get; } =
        Gen.OneOf(
            Body.Select(body => RawRequests.WithBody(Encoding.Latin1.GetString(body))),
            HeaderValue.Select(key => RawRequests.WithBody(Bodies.Good, $"Idempotency-Key: {key}\r\n")),
            HeaderValue.Select(value =>
                RawRequests.WithPath(
                    "/api/v1/orders",
                    $"traceparent: {value}\r\nAccept: {value}\r\nContent-Type: {value}\r\nCookie: {value}\r\n"
                )
            ),
            UrlPart.Select(part =>
                RawRequests.WithPath($"/api/v1/orders?limit={part}&status={part}&cursor={part}&{part}")
            ),
            from part in UrlPart
            from end in Gen.Elements("", "/notifications", "/confirm")
            select RawRequests.WithPath($"/api/v1/orders/{part}{end}")
        );

    // An order with one part replaced, or with some bytes replaced; almost JSON; or anything.
    private static Gen<byte[]> Body =>
        Gen.OneOf(
            AlmostOrder.Select(Encoding.UTF8.GetBytes),
            Gen.Zip(Gen.Choose(0, Bodies.Good.Length - 1), Byte).NonEmptyListOf().Select(Damage),
            Value(depth: 4).Select(Encoding.UTF8.GetBytes),
            Byte.ArrayOf()
        );

    // Each byte as it is, if a URL may have it, or percent-encoded.
    private static Gen<string> UrlPart =>
        Gen.Frequency((3, Byte.Select(value => $"%{value:X2}")), (3, Gen.Elements(UrlParts)), (1, Gen.Constant("/")))
            .ListOf()
            .Select(string.Concat);

    // One character for each byte; no line breaks, which would begin another header.
    private static Gen<string> HeaderValue =>
        Byte.Where(value => value is not ((byte)'\r' or (byte)'\n'))
            .Select(value => (char)value)
            .ListOf()
            .Select(string.Concat);

    private static Gen<string> AlmostOrder =>
        from slot in Gen.Elements(Slots)
        from value in Gen.Frequency((4, Value(depth: 2)), (1, Gen.Elements(Slots)), (1, Text))
        select ReplaceFirst(Bodies.Good, slot, value);

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
        var body = Encoding.UTF8.GetBytes(Bodies.Good);
        foreach (var (at, value) in damages)
            body[at] = value;
        return body;
    }
}
