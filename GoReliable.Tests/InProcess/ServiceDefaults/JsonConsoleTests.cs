using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using GoReliable.ServiceDefaults.Logging;
using GoReliable.ServiceDefaults.Telemetry;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>Log lines leave in the background, and a reader of stdout that does not read delays nobody.</summary>
public sealed partial class JsonConsoleTests
{
    private static readonly JsonLine Format = new(
        new ServiceResource(new HostingEnvironment { ApplicationName = "GoReliable.Parcels" })
    );

    private readonly ConcurrentQueue<string> writes = [];

    [Fact]
    public async Task Lines_that_come_together_are_written_together_and_in_order()
    {
        using var console = new JsonConsole(Format, Keep);
        var logger = console.CreateLogger("test");

        for (var i = 0; i < 1000; i++)
            LogNumber(logger, i);

        await Poll.UntilAsync("all lines", () => Task.FromResult(Lines().Count), count => count == 1000);
        Assert.Equal(Enumerable.Range(0, 1000), Lines().Select(line => line.GetProperty("number").GetInt32()));
        Assert.InRange(writes.Count, 1, 100);
    }

    [Fact]
    public void Lines_that_were_logged_before_the_end_are_written()
    {
        using (var console = new JsonConsole(Format, Keep))
            LogText(console.CreateLogger("test"), "the last");

        Assert.Equal("the last", Assert.Single(Lines()).GetProperty("message").GetString());
    }

    [Fact]
    public void A_message_that_logs_while_it_is_made_gets_a_line_of_its_own()
    {
        using (var console = new JsonConsole(Format, Keep))
        {
            var logger = console.CreateLogger("test");
            logger.Log(LogLevel.Information, default, "outer", null, (text, _) =>
            {
                LogText(logger, "inner");
                return text;
            });
        }

        Assert.Equal(["inner", "outer"], Lines().Select(line => line.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task While_stdout_is_not_read_lines_are_dropped_at_once_and_counted_later()
    {
        using var reading = new ManualResetEventSlim();
        using var console = new JsonConsole(Format, lines =>
        {
            reading.Wait();
            Keep(lines);
        });
        var logger = console.CreateLogger("test");
        var text = new string('x', 1000);
        var began = Stopwatch.GetTimestamp();

        for (var i = 0; i < 20_000; i++)
            LogText(logger, text);

        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30));
        reading.Set();
        var lost = await Poll.UntilAsync(
            "every line, or the number of those that were lost",
            () => Task.FromResult(Lost()),
            count => count > 0 && count + Lines().Count(line => Event(line) == nameof(LogText)) == 20_000
        );
        Assert.InRange(lost, 10_000, 20_000);
    }

    [Fact]
    public async Task Lines_of_a_write_that_failed_are_counted_and_a_cut_line_is_ended()
    {
        var failures = 2;
        using var console = new JsonConsole(Format, lines =>
        {
            // Half of a line is out when the reader goes away.
            if (lines.Length > 1 && Interlocked.Decrement(ref failures) >= 0)
            {
                Keep(lines[..20]);
                throw new IOException("Nobody reads.");
            }
            Keep(lines);
        });
        var logger = console.CreateLogger("test");

        LogText(logger, "one");
        await Poll.UntilAsync("the first failure", () => Task.FromResult(failures), left => left == 1);
        LogText(logger, "two");
        await Poll.UntilAsync("the second failure", () => Task.FromResult(failures), left => left == 0);
        LogText(logger, "three");

        var written = await Poll.UntilAsync(
            "the third line",
            () => Task.FromResult(string.Concat(writes)),
            text => text.Contains("three")
        );
        var whole = written
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line.EndsWith('}'))
            .Select(line => JsonElement.Parse(line).GetProperty("message").GetString());
        Assert.Equal(["three", "2 log line(s) were lost, because stdout could not be written"], whole);
    }

    private int Lost() =>
        Lines()
            .Where(line => Event(line) == "log.lines_lost")
            .Sum(line => int.Parse(line.GetProperty("message").GetString()!.Split(' ')[0], null));

    private static string? Event(JsonElement line) =>
        line.TryGetProperty("event", out var name) ? name.GetString() : null;

    private void Keep(ReadOnlyMemory<byte> lines) => writes.Enqueue(Encoding.UTF8.GetString(lines.Span));

    private List<JsonElement> Lines() =>
        [
            .. writes
                .SelectMany(text => text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Select(line => JsonElement.Parse(line)),
        ];

    [LoggerMessage(LogLevel.Information, "line {Number}")]
    private static partial void LogNumber(ILogger logger, int number);

    [LoggerMessage(LogLevel.Information, "{Text}")]
    private static partial void LogText(ILogger logger, string text);
}
