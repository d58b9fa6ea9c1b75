using System.ComponentModel.DataAnnotations;
using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Primitives;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// A section of the configuration that may change while the gateway runs. A wrong value at the start ends the gateway.
/// A wrong value later is logged, and the last good values stay. (An options monitor would then throw at every
/// request.)
/// </summary>
/// <typeparam name="T">What the section is read into, checked by its annotations.</typeparam>
internal sealed class WatchedSection<T> : IDisposable
    where T : class
{
    private readonly IConfigurationSection section;
    private readonly Func<T> defaults;
    private readonly ILogger logger;
    private readonly IDisposable watch;
    private volatile T current;

    /// <exception cref="InvalidSettingException">A value is not of its type or out of its range.</exception>
    public WatchedSection(IConfiguration configuration, string name, Func<T> defaults, ILogger logger)
    {
        section = configuration.GetSection(name);
        (this.defaults, this.logger) = (defaults, logger);
        current = Read();
        watch = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

    /// <summary>The newest good values.</summary>
    public T Current => current;

    public void Dispose() => watch.Dispose();

    private void Reload()
    {
        try
        {
            current = Read();
        }
        catch (InvalidSettingException invalid)
        {
            logger.SettingsRefused(section.Path, invalid.Message);
        }
    }

    private T Read()
    {
        var values = defaults();
        try
        {
            section.Bind(values);
        }
        catch (InvalidOperationException invalid)
        {
            throw new InvalidSettingException(invalid.Message);
        }
        var wrong = new List<ValidationResult>();
        return Validator.TryValidateObject(values, new ValidationContext(values), wrong, validateAllProperties: true)
            ? values
            : throw new InvalidSettingException(
                $"{section.Path}: {string.Join(' ', wrong.Select(result => result.ErrorMessage))}"
            );
    }
}
