using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Logging;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>What happens to a token beyond the validation of ASP.NET.</summary>
internal sealed partial class TokenEvents(IdentityProvider provider, ILogger<TokenEvents> logger) : JwtBearerEvents
{
    /// <summary>Without the provider's keys no token can be judged: that is not the fault of the token.</summary>
    public override async Task MessageReceived(MessageReceivedContext context)
    {
        if (context.Options.ConfigurationManager is not { } keys || context.Request.Headers.Authorization.Count == 0)
            return;
        if (!await provider.HasAnsweredAsync(keys).WaitAsync(context.HttpContext.RequestAborted))
            context.Fail(new ProviderUnavailableException());
    }

    /// <summary>A token names one customer.</summary>
    public override Task TokenValidated(TokenValidatedContext context)
    {
        string? subject = null;
        var count = 0;
        foreach (var claim in context.Principal!.Claims)
        {
            if (claim.Type == IdentityExtensions.SubjectClaim)
                (subject, count) = (claim.Value, count + 1);
        }
        if (count != 1 || !Customer.IsId(subject))
            Refuse(context, new InvalidSubjectException());
        return Task.CompletedTask;
    }

    /// <summary>Whatever went wrong with a token, the answer is 401.</summary>
    public override Task AuthenticationFailed(AuthenticationFailedContext context)
    {
        Refuse(context, context.Exception);
        return Task.CompletedTask;
    }

    private void Refuse(ResultContext<JwtBearerOptions> context, Exception reason)
    {
        context.Fail(reason);
        var description = Refusals.Describe(reason);
        TokenRefused(description);
    }

    // Debug: anybody can send any number of bad tokens.
    [LoggerMessage(EventName = "identity.token_refused", Level = LogLevel.Debug, Message = "Token refused: {Reason}")]
    private partial void TokenRefused(string reason);
}

/// <summary>The subject of a token is missing, too long, or not visible ASCII.</summary>
internal sealed class InvalidSubjectException : Exception;

/// <summary>The identity provider has not told its keys yet.</summary>
internal sealed class ProviderUnavailableException : Exception;
