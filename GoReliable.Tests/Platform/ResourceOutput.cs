using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.Platform;

/// <summary>
/// What the resources of an AppHost write to stdout and stderr: a logger of it, to which tests have that forwarded.
/// </summary>
internal sealed class ResourceOutput : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Resource, string Line)> lines = [];

    /// <summary>Every line so far, with the end of its logger's name: the resource, or one of its instances.</summary>
    public IReadOnlyCollection<(string Resource, string Line)> Lines => lines;

    public ILogger CreateLogger(string categoryName) =>
        categoryName.Split(".Resources.") is [_, var resource]
            ? new Logger(line => lines.Enqueue((resource, line)))
            : NullLogger.Instance;

    public void Dispose() { }

    private sealed class Logger(Action<string> keep) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => keep(formatter(state, exception));
    }
}
