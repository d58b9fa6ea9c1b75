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
    public static void AddLogs(this WebApplicationBuilder builder)
    {
        // The lowest of all sources, so that a file, a variable or an argument overrides each of them.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults(builder.Environment) });

        builder.Logging.AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            // When nobody reads our stdout, orders go on and lines are lost (the console says how many), not the other way round.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            console.MaxQueueLength = 10_000;
        });
    }

    private static Dictionary<string, string?> Defaults(IHostEnvironment environment) => new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        // Each says about every request what the services say once.
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        ["Logging:LogLevel:Yarp"] = "Warning",
        ["Logging:LogLevel:Npgsql"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
        // A line for each probe that fails, every few seconds. The probe's answer has the reason, and who is away is logged once.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
        // Warns about keys that protect cookies; there are none.
        ["Logging:LogLevel:Microsoft.AspNetCore.DataProtection"] = "Error",
        ["Logging:Console:FormatterName"] = environment.IsDevelopment() ? ConsoleFormatterNames.Simple : JsonLineFormatter.FormatterName,
        ["Logging:Console:FormatterOptions:SingleLine"] = "true",
        ["Logging:Console:FormatterOptions:TimestampFormat"] = "HH:mm:ss.fff ",
    };
}
