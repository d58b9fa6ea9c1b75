using GoReliable.Tests.Platform;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Good tokens and bad ones, with a mark in all that IdentityModel could put into a message.</summary>
internal static class MarkedTokens
{
    public static IEnumerable<string> Of(TokenIssuer tokens, string mark) =>
        [
            tokens.Issue($"{mark}-subject"),
            tokens.Issue($"{mark}-subject", scopes: $"{mark}-scope"),
            tokens.Issue($"{mark} subject that is refused"),
            tokens.Issue($"{mark}-subject", change: token => token.Audience = $"{mark}-audience"),
            tokens.Issue($"{mark}-subject", change: token => token.Issuer = $"{mark}-issuer"),
            tokens.Issue($"{mark}-subject", change: token => token.SigningCredentials = null),
            tokens.Issue($"{mark}-subject", change: token =>
                (token.NotBefore, token.Expires) = (DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddMinutes(-1))
            ),
            tokens.Issue($"{mark}-subject", change: token =>
                token.SigningCredentials = new SigningCredentials(
                    new SymmetricSecurityKey(new byte[32]) { KeyId = $"{mark}-kid" },
                    SecurityAlgorithms.HmacSha256
                )
            ),
            tokens.IssueRaw($"{mark}-payload"),
            $"{mark}-garbage",
            $"{mark}.garbage.{mark}",
        ];
}
