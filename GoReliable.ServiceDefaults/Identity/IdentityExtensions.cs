using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>Who is calling, and what they may do.</summary>
public static partial class IdentityExtensions
{
    /// <summary>The customer, as in a JWT: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.2.</summary>
    public const string SubjectClaim = "sub";

    /// <summary>
    /// Authenticates by the header <c>X-Customer-Id</c>: fit for a developer's machine, not for the internet. Endpoints
    /// see a principal with a subject, so they do not change when a token takes the header's place.
    /// </summary>
    public static WebApplicationBuilder AddIdentity(this WebApplicationBuilder builder)
    {
        builder.Services.AddAuthentication(CustomerHeader.Name)
            .AddScheme<AuthenticationSchemeOptions, CustomerHeader>(CustomerHeader.Name, null);
        builder.Services.AddAuthorization();
        return builder;
    }

    private sealed partial class CustomerHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string Name = "X-Customer-Id";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (!Request.Headers.TryGetValue(Name, out var values))
                return Task.FromResult(AuthenticateResult.NoResult());
            if (values.ToString() is not { } customer || !Shape().IsMatch(customer))
                return Task.FromResult(AuthenticateResult.Fail($"{Name} must match {Shape()}."));

            var identity = new ClaimsIdentity([new Claim(SubjectClaim, customer)], Name, SubjectClaim, null);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name)));
        }

        [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
        private static partial Regex Shape();
    }
}
