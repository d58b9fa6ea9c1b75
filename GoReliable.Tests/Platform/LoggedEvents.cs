using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.Platform;

/// <summary>The names of the events that were logged, in their order.</summary>
internal sealed class LoggedEvents<T> : ILogger<T>
{
    private readonly List<string?> names = [];

    public string?[] Names
    {
        get
        {
            lock (names)
                return [.. names];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        lock (names)
            names.Add(eventId.Name);
    }
}
