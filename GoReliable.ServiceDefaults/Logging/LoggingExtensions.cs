using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace GoReliable.ServiceDefaults.Logging;

/// <summary>One line per event on stdout: JSON for machines, and text in development.</summary>
internal static class LoggingExtensions
{
    private const string FormatterName = "Logging:Console:FormatterName";

    /// <summary>The value of <c>Logging:Console:FormatterName</c> for JSON.</summary>
    private const string JsonFormatter = "json-line";

    // Below Warning, what these log about a request contains its path, its query or an address.
    private static readonly string[] Frameworks =
    [
        "Microsoft.AspNetCore",
        "System.Net.Http",
        "Yarp",
        "Npgsql",
        "Polly",
    ];

    public static void AddLogs(this WebApplicationBuilder builder)
    {
        // The lowest of all sources, so that a file, a variable or an argument overrides each of these values.
        builder.Configuration.Sources.Insert(
            0,
            new MemoryConfigurationSource { InitialData = Defaults(builder.Environment) }
        );

        builder.Services.PostConfigure<LoggerFilterOptions>(KeepFrameworksQuiet);
        builder.Services.AddSingleton<JsonLine>();
        if (builder.Configuration[FormatterName] == JsonFormatter)
            UseJsonConsole(builder.Services);
    }

    // In place of .NET's console.
    private static void UseJsonConsole(IServiceCollection services)
    {
        services.Remove(services.Single(service => service.ImplementationType == typeof(ConsoleLoggerProvider)));
        var stdout = Console.OpenStandardOutput();
        services.AddSingleton<ILoggerProvider>(provider => new JsonConsole(
            provider.GetRequiredService<JsonLine>(),
            lines => stdout.Write(lines.Span)
        ));
    }

    /// <summary>
    /// No setting brings these below Warning, not even while the service runs. Above Warning, settings count.
    /// </summary>
    private static void KeepFrameworksQuiet(LoggerFilterOptions filters)
    {
        var talkative = filters.Rules.Where(rule =>
            rule.LogLevel < LogLevel.Warning
            && rule.CategoryName is { } category
            && Frameworks.Any(name => IsStronger(category, name))
        );
        foreach (var rule in talkative.ToList())
            filters.Rules.Remove(rule);

        // The rules of one provider, also its rule for everything, win over those for all providers.
        foreach (var provider in filters.Rules.Select(rule => rule.ProviderName).Append(null).Distinct().ToList())
        {
            foreach (
                var name in Frameworks.Where(name =>
                    !filters.Rules.Any(rule => rule.ProviderName == provider && rule.CategoryName == name)
                )
            )
                filters.Rules.Add(new LoggerFilterRule(provider, name, LogLevel.Warning, filter: null));
        }
    }

    /// <summary>
    /// Whether a rule for a category, which may contain one <c>*</c>, would win over the rule for a framework. The
    /// longer name wins.
    /// </summary>
    private static bool IsStronger(string category, string framework) =>
        category.StartsWith(framework, StringComparison.OrdinalIgnoreCase)
        || (
            category.Length >= framework.Length
            && category.IndexOf('*') is >= 0 and var star
            && framework.StartsWith(category[..star], StringComparison.OrdinalIgnoreCase)
        );

    private static Dictionary<string, string?> Defaults(IHostEnvironment environment) =>
        new()
        {
            ["Logging:LogLevel:Default"] = "Information",
            // This would be a line for each failed probe, every few seconds. The probe's answer has the reason, and
            // each outage is logged once.
            ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
            // Warns about keys that protect cookies; there are none.
            ["Logging:LogLevel:Microsoft.AspNetCore.DataProtection"] = "Error",
            // No scopes: nobody reads them, and ASP.NET makes one for each request.
            ["Logging:CaptureScopes"] = "false",
            [FormatterName] = environment.IsDevelopment() ? ConsoleFormatterNames.Simple : JsonFormatter,
            ["Logging:Console:FormatterOptions:SingleLine"] = "true",
            ["Logging:Console:FormatterOptions:TimestampFormat"] = "HH:mm:ss.fff ",
        };
}
