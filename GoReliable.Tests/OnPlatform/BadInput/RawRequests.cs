using static GoReliable.Tests.OnPlatform.BadInput.BadValues;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// Requests that no HTTP client would send, as they go over the wire. {token} is a good one.
/// </summary>
internal static class RawRequests
{
    private const string Get =
        "GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n";
    private const string Post =
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        + "Content-Type: application/json\r\n";
    private const string Open =
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        + "Content-Type: application/json\r\n";
    private static readonly string Stolen =
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        + $"Content-Length: {Bodies.Good.Length}\r\n\r\n{Bodies.Good}";

    // Behind /api/v1/orders.
    private static readonly string[] Suffixes = Words(
        """
        /..%2f..%2fmetrics /%2e%2e/%2e%2e/metrics /../../../metrics /%252e%252e%252fmetrics // /;a=b ;a=b /a;b=c/confirm
        /%5c..%5c /%c0%ae%c0%ae /%ff /%ed%a0%80 /% /%g0 /%u0041 /1%0d%0aX-Admin:%20yes /%20 /{id} /$(id) /'%20OR%201=1
        /00000000-0000-0000-0000-000000000000 /{00000000-0000-0000-0000-000000000000}
        /00000000000000000000000000000000%0a /..%2f..%2fmetrics/notifications /'%20OR%201=1/notifications
        /%ff/notifications
        ?limit=0 ?limit=-1 ?limit=1e1 ?limit=%00 ?limit=1&limit=2 ?limit=99999999999999999999 ?limit=%d9%a1 ?limit=
        ?status=%00 ?status=pending&status=confirmed ?cursor=%00 ?cursor=AAAA ?cursor=AAAAAAAAAAAAAAAAAAAAAA==
        ?cursor=%ff%fe ?cursor=a&cursor=b ?status=paid ?status= ?limit=101 ?limit=ten ?cursor= ?cursor=nonsense
        ?cursor=%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00
        """
    );

    private static readonly string[] OtherPaths = Words(
        """
        //api//v1//orders /api/v1\orders /health/ready /metrics /%2e%2e/metrics /.git/config
        """
    );

    private static readonly string[] UnreadablePaths = Words(
        """
        /api/v1/orders/%00 /api/v1/orders/a%00b /api/v1/orders/%00/notifications http://somewhere.else/api/v1/orders x *
        """
    );

    private static readonly string[] Headers =
    [
        "Idempotency-Key: \r\n",
        "Idempotency-Key: a b\r\n",
        "Idempotency-Key: a\tb\r\n",
        "Idempotency-Key: \"\r\n",
        "Idempotency-Key: \"\"\r\n",
        "Idempotency-Key: \"a\r\n",
        "Idempotency-Key: a\"b\r\n",
        "Idempotency-Key: a\\b\r\n",
        "Idempotency-Key: a\u0001b\r\n",
        "Idempotency-Key: \u00c3\u00a4\r\n",
        "Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
        $"Idempotency-Key: {new string('k', 256)}\r\n",
    ];

    private static readonly string[] UnreadableHeaders =
    [
        "Idempotency-Key: a\u0000b\r\n",
        "Idempotency-Key: \u00ff\r\n",
        "A header without a colon\r\n",
        ": no name\r\n",
        "Space : before\r\n",
        "Sp ace: inside\r\n",
        "Folded: a\r\n b\r\n",
        "N\u0000l: a\r\n",
        "Bad: a\u0000b\r\n",
        "Bad: a\rb\r\n",
        "Host: y\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1e2\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        $"Long: {new string('a', 40_000)}\r\n",
        string.Concat(Enumerable.Range(0, 200).Select(i => $"H{i}: a\r\n")),
    ];

    private static readonly string[] Whole =
    [
        "get /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "DELETE /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "TRACE /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "CONNECT somewhere.else:443 HTTP/1.1\r\nHost: somewhere.else:443\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{Bodies.Good}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n-1\r\n{Bodies.Good}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{Bodies.Good}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n5\r\n{Bodies.Good}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n2\n{{}}\n0\n\n",
        // Request smuggling: two contradicting lengths. What follows must not become a second request with the first
        // one's token.
        $"{Open}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Stolen}",
        $"{Open}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{Stolen}",
    ];

    private static readonly string[] UnreadableWhole =
    [
        "GET /api/v1/orders HTTP/1.1\r\n\r\n",
        "GET /api/v1/orders\r\n\r\n",
        "GET  /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/v1/orders HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/v1/orders HTTPS/1.1\r\nHost: x\r\n\r\n",
        "GET /api/v1/orders HTTP/1.1\r\nHost: a b\r\n\r\n",
        "G<T /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u0000\u0001\u0002\u0003\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n",
        $"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: x\r\n\r\n",
        $"{new string('A', 20_000)} / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\u00ff HTTP/1.1\r\nHost: x\r\n\r\n",
        $"{Open}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{Stolen}",
        $"{Open}Transfer-Encoding : chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{Stolen}",
        $"{Open}Content-Length: 0\r\nContent-Length: 6\r\n\r\n{Stolen}",
        $"{Open}Content-Length: 0, 6\r\n\r\n{Stolen}",
    ];

    /// <summary>Those that are requests, whatever they want: each is answered with a problem document.</summary>
    public static IReadOnlyList<string> Readable { get; } =
    [
        .. Suffixes.Select(suffix => WithPath($"/api/v1/orders{suffix}")),
        .. OtherPaths.Select(path => WithPath(path)),
        .. Headers.Select(WithHeader),
        .. Whole,
    ];

    /// <summary>
    /// Those that are none: Kestrel answers them by itself, with a status and nothing else, and no code of ours sees
    /// them.
    /// </summary>
    public static IReadOnlyList<string> Unreadable { get; } =
    [.. UnreadablePaths.Select(path => WithPath(path)), .. UnreadableHeaders.Select(WithHeader), .. UnreadableWhole];

    /// <summary>Something to read.</summary>
    public static string WithPath(string path, string headers = "") =>
        $"{Get.Replace("/api/v1/orders ", $"{path} ", StringComparison.Ordinal)}{headers}\r\n";

    /// <summary>An order, one character for each byte of it.</summary>
    public static string WithBody(string body, string headers = "") =>
        $"{Post}{headers}Content-Length: {body.Length}\r\n\r\n{body}";

    private static string WithHeader(string header) =>
        header.StartsWith("Transfer-Encoding", StringComparison.Ordinal)
            ? $"{Post}{header}\r\n{Bodies.Good}"
            : WithBody(Bodies.Good, header);
}
