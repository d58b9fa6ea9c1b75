using System.Globalization;

namespace GoReliable.Tests.Platform;

/// <summary>An answer as it came over the wire.</summary>
/// <param name="Status">Its status code.</param>
/// <param name="IsProblem">Whether it is a problem document that says the same, with a trace.</param>
/// <param name="IsBare">
/// Whether it is Kestrel's own response to input that is not an HTTP request: a status, no body, and none of our
/// headers. Only the gateway adds headers to each of its responses. For another service, check the gateway's
/// response to the same input.
/// </param>
internal sealed record RawAnswer(int Status, bool IsProblem, bool IsBare)
{
    private static readonly string[] OfKestrel = ["Content-Length: 0", "Connection: close", "Date: ", "Allow: "];

    /// <param name="text">From its status code on.</param>
    public static RawAnswer Parse(string text)
    {
        var status = int.Parse(text[..3], CultureInfo.InvariantCulture);
        var (head, body) = text.Split("\r\n\r\n", 2) is [var before, var after] ? (before, after) : (text, "");
        var headers = head.Split("\r\n").Skip(1).ToList();
        return new RawAnswer(
            status,
            headers.Contains("Content-Type: application/problem+json")
                && body.Contains($"\"status\":{status}", StringComparison.Ordinal)
                && body.Contains("\"traceId\":", StringComparison.Ordinal),
            body == ""
                && headers.Contains("Content-Length: 0")
                && headers.TrueForAll(header =>
                    OfKestrel.Any(known => header.StartsWith(known, StringComparison.Ordinal))
                )
        );
    }
}
