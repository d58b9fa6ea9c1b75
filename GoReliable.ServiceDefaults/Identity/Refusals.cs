using GoReliable.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// Answers a request that a policy does not let through: with a problem document, and with the header that tells a
/// program what to do (https://www.rfc-editor.org/rfc/rfc6750#section-3). No word of the answer comes from the token.
/// </summary>
internal sealed class Refusals : IAuthorizationMiddlewareResultHandler
{
    private const int RetryAfterSeconds = 5;

    public Task HandleAsync(
        RequestDelegate next,
        HttpContext context,
        AuthorizationPolicy policy,
        PolicyAuthorizationResult authorizeResult
    )
    {
        if (authorizeResult.Succeeded)
            return next(context);
        return authorizeResult.Forbidden
            ? ForbidAsync(
                context,
                authorizeResult
                    .AuthorizationFailure?.FailedRequirements.OfType<ClaimsAuthorizationRequirement>()
                    .FirstOrDefault()
                    ?.AllowedValues?.Single()
            )
            : ChallengeAsync(context);
    }

    /// <summary>Why a token is refused, in one of a few sentences.</summary>
    public static string Describe(Exception reason) =>
        reason switch
        {
            SecurityTokenExpiredException => "The token has expired.",
            SecurityTokenNotYetValidException => "The token is not valid yet.",
            SecurityTokenInvalidAudienceException => "The token is for another audience.",
            SecurityTokenInvalidIssuerException => "The token is from another issuer.",
            SecurityTokenInvalidSignatureException => "The token's signature is not valid.",
            InvalidSubjectException => "The token must name a customer in 'sub', by 1 to 255 visible ASCII characters.",
            _ => "The token cannot be read.",
        };

    private static async Task ForbidAsync(HttpContext context, string? scope)
    {
        context.Response.Headers.WWWAuthenticate = scope is null
            ? "Bearer"
            : $"Bearer error=\"insufficient_scope\", scope=\"{scope}\"";
        await context.WriteProblemAsync(
            StatusCodes.Status403Forbidden,
            scope is null ? null : $"The token lacks the scope {scope}."
        );
    }

    private static async Task ChallengeAsync(HttpContext context)
    {
        // The same result as before: the handler validates the token of a request only once.
        switch ((await context.AuthenticateAsync()).Failure)
        {
            case ProviderUnavailableException:
                await context.WriteProblemAsync(
                    StatusCodes.Status503ServiceUnavailable,
                    "Tokens cannot be checked at the moment.",
                    RetryAfterSeconds
                );
                break;
            case null:
                context.Response.Headers.WWWAuthenticate = "Bearer";
                await context.WriteProblemAsync(
                    StatusCodes.Status401Unauthorized,
                    "Send a token: Authorization: Bearer …"
                );
                break;
            case var failure:
                var description = Describe(failure);
                context.Response.Headers.WWWAuthenticate =
                    $"Bearer error=\"invalid_token\", error_description=\"{description}\"";
                await context.WriteProblemAsync(StatusCodes.Status401Unauthorized, description);
                break;
        }
    }
}
