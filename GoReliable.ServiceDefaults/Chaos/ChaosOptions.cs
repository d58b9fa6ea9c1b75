using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Configuration;

namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>The section <c>Chaos</c>.</summary>
internal sealed record ChaosOptions
{
    public const string Section = "Chaos";

    /// <summary>
    /// Read when the service starts, and not again: a mistake in a file that is read later cannot give permission.
    /// </summary>
    public bool AllowInProduction { get; init; }

    /// <summary>Deliveries to customers.</summary>
    public ChaosSetting Channel { get; init; } = new();

    /// <summary>Work with the database.</summary>
    public ChaosSetting Database { get; init; } = new();

    /// <summary>Outgoing HTTP calls, those that the gateway forwards among them.</summary>
    public ChaosSetting Http { get; init; } = new();

    /// <summary>
    /// Reads the section. Unknown names are errors: a misspelt switch would have no effect, and the system would seem
    /// to survive the fault.
    /// </summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="allowed">Whether a switch may be on; null lets the section decide.</param>
    /// <exception cref="InvalidOperationException">A name or a value cannot be read.</exception>
    /// <exception cref="InvalidSettingException">
    /// A value is out of its range, or a switch is on where it must not be.
    /// </exception>
    public static ChaosOptions Read(IConfiguration configuration, bool? allowed)
    {
        var options = configuration
            .GetSection(Section)
            .Get<ChaosOptions>(binder => binder.ErrorOnUnknownConfiguration = true)
            ?? new ChaosOptions();
        foreach (var (name, setting) in options.Switches())
        {
            if (setting.FindMistake() is { } mistake)
                throw new InvalidSettingException($"{Section}:{name}:{mistake}");
            if (setting.IsOn && !(allowed ?? options.AllowInProduction))
                throw new InvalidSettingException(
                    $"{Section}:{name} is set, but this is Production: remove it, or start with "
                        + $"{Section}:{nameof(AllowInProduction)}=true."
                );
        }
        return options;
    }

    public IEnumerable<(string Name, ChaosSetting Setting)> Switches() =>
        [(nameof(Channel), Channel), (nameof(Database), Database), (nameof(Http), Http)];
}
