using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// A setting with which a service must not start. The service ends with this one line and exit code 1; if there are
/// several such settings, with a line for each.
/// </summary>
/// <param name="message">Names the setting, and what it should be.</param>
public sealed class InvalidSettingException(string message) : Exception(message)
{
    private const int ExitCode = 1;

    /// <summary>A stack trace would only say where settings are read.</summary>
    internal static void EndWithOneLine() =>
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            var messages = Messages((Exception)unhandled.ExceptionObject).Distinct().ToList();
            if (messages.Contains(null))
                return;
            Console.Error.WriteLine(string.Join(Environment.NewLine, messages));
            Environment.Exit(ExitCode);
        };

    // Null for any other exception.
    private static IEnumerable<string?> Messages(Exception exception) =>
        exception switch
        {
            InvalidSettingException invalid => [invalid.Message],
            OptionsValidationException invalid => invalid.Failures,
            // A value that is not of its setting's type.
            InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } invalid =>
            [
                invalid.Message,
            ],
            // Of several sections.
            AggregateException several => several.InnerExceptions.SelectMany(Messages),
            _ => [null],
        };
}
