using System.Reflection;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>The authenticated customer; a parameter of endpoints that require authorization.</summary>
/// <param name="Id">Subject of the caller's identity.</param>
public sealed record Customer(string Id) : IBindableFromHttpContext<Customer>
{
    // As long as OpenID Connect lets it be: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
    private const int MaxIdLength = 255;

    /// <summary>
    /// Whether a text can be a customer's id: visible ASCII, which causes no trouble in a database, a header or a log.
    /// </summary>
    public static bool IsId(string? text) =>
        text is { Length: > 0 and <= MaxIdLength } && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <inheritdoc/>
    /// <exception cref="BadHttpRequestException">The caller's identity has no subject.</exception>
    public static ValueTask<Customer?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        context.User.FindFirstValue(IdentityExtensions.SubjectClaim) is { Length: > 0 } subject
            ? ValueTask.FromResult<Customer?>(new Customer(subject))
            : throw new BadHttpRequestException(
                "The caller's identity has no subject.",
                StatusCodes.Status401Unauthorized
            );
}
