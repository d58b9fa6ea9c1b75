using System.Buffers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.ServiceDefaults.Logging;

/// <summary>
/// Writes log lines to stdout in the background, several at a time: a request neither waits for the terminal nor wakes
/// a thread. The console of .NET writes each line by itself.
/// </summary>
/// <remarks>
/// If nobody reads stdout, or it cannot be written, lines are lost, and the next one that is written says how many.
/// Errors are written at once, other lines within <see cref="Pause"/>.
/// </remarks>
[ProviderAlias("Console")]
internal sealed class JsonConsole : ILoggerProvider
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private static readonly byte[] LineEnd = [(byte)'\n'];
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(2);

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? line;

    private readonly JsonLine format;
    private readonly Action<ReadOnlyMemory<byte>> write;
    private readonly object gate = new();
    private readonly Thread background;
    private ArrayBufferWriter<byte> waiting = new();
    private ArrayBufferWriter<byte> leaving = new();
    private int lost;
    private int saidLost;
    private bool isUrgent;
    private bool isDisposed;

    /// <param name="format">Makes a line of an event.</param>
    /// <param name="write">Writes lines; may block.</param>
    public JsonConsole(JsonLine format, Action<ReadOnlyMemory<byte>> write)
    {
        (this.format, this.write) = (format, write);
        background = new Thread(Run) { IsBackground = true, Name = "log" };
        background.Start();
    }

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

    /// <summary>Writes what is left.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            Monitor.Pulse(gate);
        }
        background.Join(LastWrite);
    }

    private void Add<TState>(in LogEntry<TState> entry)
    {
        var text = line ?? new ArrayBufferWriter<byte>(1024);
        // Taken while it is used: a message may log while it is made.
        line = null;
        text.ResetWrittenCount();
        format.Write(entry, text);
        line = text;
        lock (gate)
        {
            if (waiting.WrittenCount + text.WrittenCount > MaxBytes)
            {
                lost++;
                return;
            }
            isUrgent |= entry.LogLevel >= LogLevel.Error;
            if (waiting.WrittenCount == 0 || isUrgent)
                Monitor.Pulse(gate);
            waiting.Write(text.WrittenSpan);
        }
    }

    private void Run()
    {
        var isCut = false;
        while (TakeLines() is { Length: > 0 } lines)
        {
            try
            {
                // The end of a line that is half out.
                if (isCut)
                    write(LineEnd);
                isCut = false;
                write(lines);
            }
            catch (IOException)
            {
                isCut = true;
                if (!CountLost(lines.Span.Count((byte)'\n')))
                    return;
            }
        }
    }

    /// <returns>Whether there may be another write.</returns>
    private bool CountLost(int lines)
    {
        lock (gate)
        {
            // In place of the line that would have said it.
            lost += saidLost > 0 ? lines - 1 + saidLost : lines;
            return !isDisposed;
        }
    }

    /// <returns>All lines that wait; nothing after the last.</returns>
    private ReadOnlyMemory<byte> TakeLines()
    {
        lock (gate)
        {
            while (waiting.WrittenCount == 0 && !isDisposed)
                Monitor.Wait(gate);
            if (!isUrgent && !isDisposed)
                Monitor.Wait(gate, Pause);
            isUrgent = false;
            (waiting, leaving) = (leaving, waiting);
            waiting.ResetWrittenCount();
            saidLost = lost;
            if (lost > 0)
                SayLost();
            return leaving.WrittenMemory;
        }
    }

    private void SayLost()
    {
        format.Write(
            new LogEntry<int>(
                LogLevel.Warning,
                typeof(JsonConsole).FullName!,
                new EventId(0, "log.lines_lost"),
                lost,
                null,
                static (count, _) => $"{count} log line(s) were lost, because stdout could not be written"
            ),
            leaving
        );
        lost = 0;
    }

    private sealed class Logger(string category, JsonConsole console) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => console.Add(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter));
    }
}
