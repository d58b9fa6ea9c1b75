using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>A setting with which a service must not start. It ends with this one line and exit code 1.</summary>
/// <param name="message">Names the setting, and what it should be.</param>
public sealed class InvalidSettingException(string message) : Exception(message)
{
    private const int ExitCode = 1;

    /// <summary>A stack trace would only say where settings are read.</summary>
    internal static void EndWithOneLine() => AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
    {
        var message = unhandled.ExceptionObject switch
        {
            InvalidSettingException invalid => invalid.Message,
            OptionsValidationException invalid => string.Join(Environment.NewLine, invalid.Failures),
            // A value that is not of its setting's type.
            InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } invalid => invalid.Message,
            _ => null,
        };
        if (message is null)
            return;
        Console.Error.WriteLine(message);
        Environment.Exit(ExitCode);
    };
}
