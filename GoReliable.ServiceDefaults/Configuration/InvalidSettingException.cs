namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>A setting with which a service must not start. It ends with this one line and exit code 1.</summary>
/// <param name="message">Names the setting, and what it should be.</param>
public sealed class InvalidSettingException(string message) : Exception(message)
{
    private const int ExitCode = 1;

    /// <summary>A stack trace would only say where settings are read.</summary>
    internal static void EndWithOneLine() => AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
    {
        if (unhandled.ExceptionObject is not InvalidSettingException invalid)
            return;
        Console.Error.WriteLine(invalid.Message);
        Environment.Exit(ExitCode);
    };
}
