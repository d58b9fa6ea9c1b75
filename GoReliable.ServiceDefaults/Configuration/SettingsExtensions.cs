using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Configuration;

public static class SettingsExtensions
{
    /// <summary>
    /// Reads a section of the configuration into <typeparamref name="TOptions"/>. A service whose settings break their
    /// annotations does not start (<see cref="OptionsValidationException"/>).
    /// </summary>
    public static OptionsBuilder<TOptions> AddSettings<TOptions>(this IServiceCollection services, string section)
        where TOptions : class =>
        services.AddOptionsWithValidateOnStart<TOptions>().BindConfiguration(section).ValidateDataAnnotations();
}
