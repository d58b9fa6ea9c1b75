using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Gateway.Resilience;

/// <summary>How long a service may take. Section <c>Resilience</c>.</summary>
/// <param name="TotalTimeout">From the request to the beginning of its answer, with all tries; and silence within the answer.</param>
/// <param name="TryTimeout">One try of a request that may be repeated. Another is all that is left of the total.</param>
internal sealed record Timeouts(TimeSpan TotalTimeout, TimeSpan TryTimeout)
{
    /// <exception cref="InvalidSettingException">They are not positive and in this order.</exception>
    public static Timeouts Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Resilience");
        var total = section.GetValue(nameof(TotalTimeout), TimeSpan.FromSeconds(10));
        var @try = section.GetValue(nameof(TryTimeout), TimeSpan.FromSeconds(3));
        return TimeSpan.Zero < @try && @try <= total
            ? new Timeouts(total, @try)
            : throw new InvalidSettingException($"Resilience: TryTimeout ({@try}) must be above zero, and TotalTimeout ({total}) no shorter.");
    }
}
