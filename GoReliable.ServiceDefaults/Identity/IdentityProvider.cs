using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// Gets the identity provider's keys for the first time. From then on the configuration manager keeps and refreshes
/// them by itself, and works on with those that it has when the provider is away.
/// </summary>
internal sealed partial class IdentityProvider(ILogger<IdentityProvider> logger, TimeProvider time)
{
    // All who wait get the same answer, and a provider that is away is not asked by every request.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock asking = new();
    private Task<bool> answer = Task.FromResult(false);
    private long? asked;
    private bool away;

    /// <returns>Whether the keys are known.</returns>
    public Task<bool> HasAnsweredAsync(IConfigurationManager<OpenIdConnectConfiguration> keys)
    {
        if (answer is { IsCompletedSuccessfully: true, Result: true } known)
            return known;

        lock (asking)
        {
            if (answer.IsCompleted && (asked is not { } last || time.GetElapsedTime(last) >= Pause))
            {
                asked = time.GetTimestamp();
                answer = AskAsync(keys);
            }
            return answer;
        }
    }

    private async Task<bool> AskAsync(IConfigurationManager<OpenIdConnectConfiguration> keys)
    {
        try
        {
            // Not cancelled with the request that asks first: others wait as well.
            await keys.GetConfigurationAsync(CancellationToken.None);
        }
        catch (Exception failure)
        {
            if (!away)
                ProviderUnreachable(failure.GetBaseException().Message);
            away = true;
            return false;
        }
        if (away)
            ProviderReached();
        away = false;
        return true;
    }

    [LoggerMessage(
        EventName = "identity.provider_unreachable",
        Level = LogLevel.Error,
        Message = "The identity provider's keys cannot be fetched, so no token can be checked: {Reason}"
    )]
    private partial void ProviderUnreachable(string reason);

    [LoggerMessage(
        EventName = "identity.provider_reached",
        Level = LogLevel.Information,
        Message = "The identity provider's keys were fetched"
    )]
    private partial void ProviderReached();
}
