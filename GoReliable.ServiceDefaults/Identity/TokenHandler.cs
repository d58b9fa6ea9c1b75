using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// Has a token validated once, by ASP.NET, and recognises it until it expires or the issuer's keys change.
/// </summary>
/// <remarks>
/// ASP.NET's handler gets no logger: it would write a line for every bad token, with a stack trace and what stood in the
/// token.
/// </remarks>
internal sealed partial class TokenHandler(
    IOptionsMonitor<JwtBearerOptions> options,
    UrlEncoder encoder,
    KnownTokens known,
    IdentityProvider provider,
    ILogger<TokenHandler> logger
) : JwtBearerHandler(options, NullLoggerFactory.Instance, encoder)
{
    private const string Prefix = "Bearer ";

    private static readonly Task<AuthenticateResult> NoToken = Task.FromResult(AuthenticateResult.NoResult());

    // Without `async`: a known token costs its hash, a look-up and no more.
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header.Count == 0)
            return NoToken;

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(Token(header.ToString())), hash);
        Span<char> key = stackalloc char[2 * SHA256.HashSizeInBytes];
        Convert.TryToHexString(hash, key, out _);

        if (known.TryGetValue(key, out KnownToken? token) && TimeProvider.GetUtcNow() < token!.Expires)
        {
            var keys = KeysAsync();
            if (keys.IsCompletedSuccessfully && keys.Result == token.Keys)
                return token.Result;
        }
        return ValidateAsync(key.ToString());
    }

    private async Task<AuthenticateResult> ValidateAsync(string key)
    {
        try
        {
            // Without the provider's keys no token can be judged: that is not the fault of the token.
            if (
                Options.ConfigurationManager is { } issuer
                && !await provider.HasAnsweredAsync(issuer).WaitAsync(Context.RequestAborted)
            )
                return AuthenticateResult.Fail(new ProviderUnavailableException());

            // Read before it is validated: keys that come in between may be other ones.
            var keys = await KeysAsync();
            var result = await base.HandleAuthenticateAsync();
            if (result.Failure is { } failure)
                return Refuse(failure);
            if (!result.Succeeded)
                return result;
            if (!NamesOneCustomer(result.Principal))
                return Refuse(new InvalidSubjectException());

            var token = new KnownToken(Task.FromResult(WithoutToken(result)), keys, Expires(result));
            known.Add(key, token);
            return await token.Result;
        }
        // Whatever went wrong with a token, the answer is 401; but a client that went away gets none.
        catch (Exception failure)
            when (failure is not OperationCanceledException || !Context.RequestAborted.IsCancellationRequested)
        {
            return Refuse(failure);
        }
    }

    private static ReadOnlySpan<char> Token(string header) =>
        header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header.AsSpan(Prefix.Length).Trim() : [];

    // Another object after each refresh, so a key that the issuer withdrew is no longer accepted.
    private async ValueTask<object?> KeysAsync() =>
        Options.ConfigurationManager is { } issuer
            ? await issuer.GetConfigurationAsync(CancellationToken.None)
            : Options.TokenValidationParameters.IssuerSigningKeys;

    private static bool NamesOneCustomer(ClaimsPrincipal principal)
    {
        string? subject = null;
        var count = 0;
        foreach (var claim in principal.Claims)
        {
            if (claim.Type == IdentityExtensions.SubjectClaim)
                (subject, count) = (claim.Value, count + 1);
        }
        return count == 1 && Customer.IsId(subject);
    }

    // The result of the validation keeps the token. This one is remembered, so it has only a copy of the claims.
    private AuthenticateResult WithoutToken(AuthenticateResult result)
    {
        var rules = Options.TokenValidationParameters;
        // .NET's own would also find the subject in "SUB".
        var identity = new CaseSensitiveClaimsIdentity(
            result.Principal!.Claims.SelectMany(Copy),
            Scheme.Name,
            rules.NameClaimType,
            rules.RoleClaimType
        );
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
    }

    // A policy compares a claim with one scope. A token has them in one claim with spaces in it, as the standard has it, or
    // in one claim for each scope, as `dotnet user-jwts` writes them. Microsoft Entra ID says "scp".
    private static IEnumerable<Claim> Copy(Claim claim) =>
        claim.Type switch
        {
            IdentityExtensions.ScopeClaim or "scp" => claim
                .Value.Split(' ')
                .Select(scope => new Claim(IdentityExtensions.ScopeClaim, scope)),
            // A policy of ASP.NET would also find the scope in "SCOPE".
            var type when type.Equals(IdentityExtensions.ScopeClaim, StringComparison.OrdinalIgnoreCase) => [],
            var type => [new Claim(type, claim.Value)],
        };

    // Without the clock skew: the end of the year 9999 and half a minute is no date.
    private static DateTimeOffset Expires(AuthenticateResult result) => result.Properties?.ExpiresUtc ?? default;

    private AuthenticateResult Refuse(Exception reason)
    {
        var description = Refusals.Describe(reason);
        TokenRefused(logger, description);
        return AuthenticateResult.Fail(reason);
    }

    // Debug: anybody can send any number of bad tokens.
    [LoggerMessage(EventName = "identity.token_refused", Level = LogLevel.Debug, Message = "Token refused: {Reason}")]
    private static partial void TokenRefused(ILogger logger, string reason);
}

/// <summary>The subject of a token is missing, too long, or not visible ASCII.</summary>
internal sealed class InvalidSubjectException : Exception;

/// <summary>The identity provider has not told its keys yet.</summary>
internal sealed class ProviderUnavailableException : Exception;
