using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Gateway.Resilience;

/// <summary>How long a service may take. Section <c>Resilience</c>.</summary>
/// <param name="TotalTimeout">
/// From the request to the beginning of its answer, over all tries. Also the longest silence within the answer.
/// </param>
/// <param name="TryTimeout">
/// One try of a request that may be repeated. Any other request may use all of the total for its only try.
/// </param>
internal sealed record Timeouts(TimeSpan TotalTimeout, TimeSpan TryTimeout)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <exception cref="InvalidSettingException">They are out of bounds or not in this order.</exception>
    public static Timeouts Read(IConfiguration configuration)
    {
        var total = Read("Resilience:TotalTimeout", TimeSpan.FromSeconds(10));
        var @try = Read("Resilience:TryTimeout", TimeSpan.FromSeconds(3));
        return @try <= total
            ? new Timeouts(total, @try)
            : throw new InvalidSettingException(
                $"Resilience:TryTimeout is {@try}, but must not be longer than Resilience:TotalTimeout, {total}."
            );

        TimeSpan Read(string name, TimeSpan @default) =>
            DurationAttribute.Read(configuration, name, @default, Shortest, Longest);
    }
}
