using System.Net;
using System.Net.Sockets;
using Polly;
using Polly.Timeout;

namespace GoReliable.Gateway.Resilience;

/// <summary>What counts as a failure, and whose failure it is.</summary>
internal static class Failures
{
    /// <summary>Whether there was no connection, so that nothing can have been sent.</summary>
    public static bool NeverConnected(Exception exception) =>
        exception
            is HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError
                    or HttpRequestError.NameResolutionError
                    or HttpRequestError.SecureConnectionError,
            };

    /// <summary>
    /// Whether nothing listens at that address. That is known at once and costs nothing, and the next try may succeed.
    /// </summary>
    public static bool IsConnectionRefused(Exception exception) =>
        exception
            is HttpRequestException
            {
                InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused }
            };

    /// <summary>Whether an answer says that this replica cannot work now.</summary>
    public static bool IsUnavailable(HttpResponseMessage answer) =>
        answer.StatusCode
            is HttpStatusCode.BadGateway
                or HttpStatusCode.ServiceUnavailable
                or HttpStatusCode.GatewayTimeout;

    /// <summary>
    /// Whether the outcome of a try is a reason to ask the replica less. A client that goes away is not. Nor is a
    /// refused connection. In a rolling update the new replica refuses connections until it listens; left out, it would
    /// be missing just when the old ones stop.
    /// </summary>
    public static bool CountsAgainstReplica(Outcome<HttpResponseMessage> outcome, ForwardedRequest forward) =>
        outcome switch
        {
            { Result: { } answer } => IsUnavailable(answer),
            { Exception: { } exception } when IsConnectionRefused(exception) => false,
            { Exception: HttpRequestException or TimeoutRejectedException } => true,
            // A request that is tried only once has used up all its time.
            { Exception: OperationCanceledException } => !forward.ClientIsGone,
            _ => false,
        };
}
