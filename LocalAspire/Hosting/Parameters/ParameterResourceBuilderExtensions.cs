using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Adds parameters.</summary>
public static class ParameterResourceBuilderExtensions
{
    /// <summary>Adds a parameter that must be configured as <c>Parameters:name</c>.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, @default => GetParameterValue(builder.Configuration, name, @default), secret));

    /// <summary>Adds a parameter with a fixed value.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false) =>
        builder.AddParameter(name, () => value, publishValueAsDefault, secret);

    /// <summary>Adds a parameter whose value the callback finds.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, Func<string> valueGetter, bool publishValueAsDefault = false, bool secret = false)
    {
        if (publishValueAsDefault && secret)
            throw new ArgumentException("A secret cannot be published as a default value.", nameof(secret));

        return builder.AddResource(new ParameterResource(name, @default => @default?.GetDefaultValue() ?? valueGetter(), secret)
        {
            Default = publishValueAsDefault ? new ConstantParameterDefault(valueGetter) : null,
        });
    }

    /// <summary>Adds a parameter with a default; with <paramref name="persist"/> the default is kept in user secrets.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false)
    {
        if (persist && builder.ExecutionContext.IsRunMode)
            value = new UserSecretsParameterDefault(name, value, new UserSecrets(builder.AppHostAssembly));

        return builder.AddResource(new ParameterResource(name, _ => GetParameterValue(builder.Configuration, name, value), secret) { Default = value });
    }

    /// <summary>Adds a parameter that is read from another configuration key.</summary>
    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(this IDistributedApplicationBuilder builder, string name, string configurationKey, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, @default => GetParameterValue(builder.Configuration, name, @default, configurationKey), secret));

    /// <summary>Says what a parameter is for.</summary>
    public static IResourceBuilder<ParameterResource> WithDescription(this IResourceBuilder<ParameterResource> builder, string description, bool enableMarkdown = false)
    {
        _ = enableMarkdown; // There is no dashboard that would render it.
        builder.Resource.Description = description;
        return builder;
    }

    /// <summary>A password of 22 random characters, kept in user secrets.</summary>
    public static ParameterResource CreateDefaultPasswordParameter(IDistributedApplicationBuilder builder, string name,
        bool lower = true, bool upper = true, bool numeric = true, bool special = true,
        int minLower = 0, int minUpper = 0, int minNumeric = 0, int minSpecial = 0) =>
        CreateGeneratedParameter(builder, name, secret: true, new GenerateParameterDefault
        {
            MinLength = 22,
            Lower = lower,
            Upper = upper,
            Numeric = numeric,
            Special = special,
            MinLower = minLower,
            MinUpper = minUpper,
            MinNumeric = minNumeric,
            MinSpecial = minSpecial,
        });

    /// <summary>A generated value, kept in user secrets. The parameter is not added to the application's resources.</summary>
    public static ParameterResource CreateGeneratedParameter(IDistributedApplicationBuilder builder, string name, bool secret, GenerateParameterDefault parameterDefault) =>
        new(name, @default => GetParameterValue(builder.Configuration, name, @default), secret)
        {
            Default = builder.ExecutionContext.IsRunMode
                ? new UserSecretsParameterDefault(name, parameterDefault, new UserSecrets(builder.AppHostAssembly))
                : parameterDefault,
        };

    private static string GetParameterValue(ConfigurationManager configuration, string name, ParameterDefault? @default, string? configurationKey = null)
    {
        // Variables cannot carry a hyphen: Parameters__my_key also sets 'my-key'.
        var key = configurationKey ?? $"Parameters:{name}";
        return configuration[key] ?? configuration[key.Replace('-', '_')] ?? @default?.GetDefaultValue()
            ?? throw new MissingParameterValueException($"Parameter '{name}' has no value: set it with `dotnet user-secrets set {key} VALUE`, or by the variable {key.Replace(":", "__", StringComparison.Ordinal).Replace('-', '_')}.");
    }
}
