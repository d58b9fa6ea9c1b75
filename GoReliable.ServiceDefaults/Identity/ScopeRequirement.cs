using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>The token must have a scope.</summary>
/// <param name="scope">One of <see cref="Scopes"/>.</param>
internal sealed class ScopeRequirement(string scope) : AuthorizationHandler<ScopeRequirement>, IAuthorizationRequirement
{
    public string Scope => scope;

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ScopeRequirement requirement)
    {
        foreach (var claim in context.User.Claims)
        {
            if (IsScope(claim) && Contains(claim.Value, requirement.Scope))
            {
                context.Succeed(requirement);
                break;
            }
        }
        return Task.CompletedTask;
    }

    // Microsoft Entra ID says "scp".
    private static bool IsScope(Claim claim) => claim.Type is "scope" or "scp";

    // One claim with spaces in it, as the standard has it, or one for each scope, as `dotnet user-jwts` writes them.
    private static bool Contains(ReadOnlySpan<char> scopes, string wanted)
    {
        foreach (var one in scopes.Split(' '))
        {
            if (scopes[one].SequenceEqual(wanted))
                return true;
        }
        return false;
    }
}
