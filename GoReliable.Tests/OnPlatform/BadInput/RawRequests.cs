namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// Requests that no HTTP client would send, as they go over the wire. {token} and {body} are good ones.
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
    private const string Stolen =
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        + "Content-Length: {length}\r\n\r\n{body}";

    private static readonly string[] Paths =
    [
        "/api/v1/orders/..%2f..%2fmetrics",
        "/api/v1/orders/%2e%2e/%2e%2e/metrics",
        "/api/v1/orders/../../../metrics",
        "/api/v1/orders/%252e%252e%252fmetrics",
        "//api//v1//orders",
        "/api/v1/orders//",
        "/api/v1/orders/;a=b",
        "/api/v1/orders;a=b",
        "/api/v1/orders/a;b=c/confirm",
        "/api/v1/orders/%5c..%5c",
        "/api/v1\\orders",
        "/api/v1/orders/%c0%ae%c0%ae",
        "/api/v1/orders/%ff",
        "/api/v1/orders/%ed%a0%80",
        "/api/v1/orders/%",
        "/api/v1/orders/%g0",
        "/api/v1/orders/%u0041",
        "/api/v1/orders/1%0d%0aX-Admin:%20yes",
        "/api/v1/orders/%20",
        "/api/v1/orders/{id}",
        "/api/v1/orders/$(id)",
        "/api/v1/orders/'%20OR%201=1",
        "/api/v1/orders/00000000-0000-0000-0000-000000000000",
        "/api/v1/orders/{00000000-0000-0000-0000-000000000000}",
        "/api/v1/orders/00000000000000000000000000000000%0a",
        "/health/ready",
        "/metrics",
        "/%2e%2e/metrics",
        "/.git/config",
        "/api/v1/orders?limit=0",
        "/api/v1/orders?limit=-1",
        "/api/v1/orders?limit=1e1",
        "/api/v1/orders?limit=%00",
        "/api/v1/orders?limit=1&limit=2",
        "/api/v1/orders?limit=99999999999999999999",
        "/api/v1/orders?limit=%d9%a1",
        "/api/v1/orders?limit=",
        "/api/v1/orders?status=%00",
        "/api/v1/orders?status=pending&status=confirmed",
        "/api/v1/orders?cursor=%00",
        "/api/v1/orders?cursor=AAAA",
        "/api/v1/orders?cursor=AAAAAAAAAAAAAAAAAAAAAA==",
        "/api/v1/orders?cursor=%ff%fe",
        "/api/v1/orders?cursor=a&cursor=b",
        "/api/v1/orders/..%2f..%2fmetrics/notifications",
        "/api/v1/orders/'%20OR%201=1/notifications",
        "/api/v1/orders/%ff/notifications",
    ];

    private static readonly string[] UnreadablePaths =
    [
        "/api/v1/orders/%00",
        "/api/v1/orders/a%00b",
        "/api/v1/orders/%00/notifications",
        "http://somewhere.else/api/v1/orders",
        "x",
        "*",
    ];

    private static readonly string[] Headers =
    [
        "Idempotency-Key: \r\n",
        "Idempotency-Key: a b\r\n",
        "Idempotency-Key: a\tb\r\n",
        "Idempotency-Key: \"\r\n",
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
        $"{Post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{body}}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n-1\r\n{{body}}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{{body}}\r\n0\r\n\r\n",
        $"{Post}Transfer-Encoding: chunked\r\n\r\n5\r\n{{body}}\r\n0\r\n\r\n",
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
    [.. Paths.Select(WithPath), .. Headers.Select(WithHeader), .. Whole];

    /// <summary>
    /// Those that are none: Kestrel answers them by itself, with a status and nothing else, and no code of ours sees
    /// them.
    /// </summary>
    public static IReadOnlyList<string> Unreadable { get; } =
    [.. UnreadablePaths.Select(WithPath), .. UnreadableHeaders.Select(WithHeader), .. UnreadableWhole];

    private static string WithPath(string path) =>
        Get.Replace("/api/v1/orders ", $"{path} ", StringComparison.Ordinal) + "\r\n";

    private static string WithHeader(string header) =>
        $"{Post}{header}"
        + (header.StartsWith("Transfer-Encoding", StringComparison.Ordinal) ? "" : "Content-Length: {length}\r\n")
        + "\r\n{body}";
}
