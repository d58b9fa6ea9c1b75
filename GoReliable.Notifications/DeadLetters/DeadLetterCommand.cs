using System.Globalization;
using System.Net;
using System.Text.Json;
using GoReliable.ServiceDefaults.Management;
using static GoReliable.ServiceDefaults.Management.OperatorClient;
using static GoReliable.ServiceDefaults.Management.OperatorCommand;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>The operator's API as a command line: <c>dead-letters</c> as the first argument of this program.</summary>
internal sealed class DeadLetterCommand(CommandLine line, HttpClient worker, Terminal terminal)
{
    private const int PageSize = 200;

    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal) =>
        OperatorCommand.RunAsync("dead-letters", CommandLine.Help, arguments, terminal, async () =>
        {
            var line = CommandLine.Parse(arguments, Environment.GetEnvironmentVariable);
            using var worker = Create(line.Url, terminal.Typed(line.Token), TimeSpan.FromSeconds(60));
            return await new DeadLetterCommand(line, worker, terminal).RunAsync();
        });

    private async Task<int> RunAsync() =>
        line.Verb switch
        {
            "list" => await ListAsync(),
            "show" => await ShowAsync(),
            "discard" when !line.Yes && !IsConfirmed() => NotDone,
            _ when line.All => await HandleAllAsync(),
            _ => await HandleEachAsync(),
        };

    private async Task<int> ListAsync()
    {
        var (items, cursor) = (new List<DeadLetterItem>(), "");
        do
        {
            var limit = Math.Min(PageSize, line.Limit - items.Count);
            var page = await ReadAsync<DeadLetterPage>(
                await worker.GetAsync($"dead-letters?limit={limit}{(cursor.Length > 0 ? $"&cursor={cursor}" : "")}")
            );
            items.AddRange(page.Items);
            cursor = page.NextCursor;
        } while (cursor is not null && items.Count < line.Limit);

        if (line.Json)
        {
            await terminal.Output.WriteLineAsync(JsonSerializer.Serialize(items, Json));
            return Done;
        }
        await terminal.Output.WriteLineAsync(
            $"{"ID", -36}  {"EVENT", -15}  {"REASON", -17}  TRIED  {"DEAD SINCE (UTC)", -16}  TRACE"
        );
        foreach (var item in items)
            await terminal.Output.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{item.Id}  {item.EventType, -15}  {item.Reason, -17}  {item.Attempts, 5}  "
                        + $"{item.DeadSince:yyyy-MM-dd HH:mm}  {item.TraceId}"
                )
            );
        await terminal.Output.WriteLineAsync(
            cursor is null ? $"{items.Count} in all." : $"The first {items.Count}; there are more (--limit)."
        );
        return Done;
    }

    private async Task<int> ShowAsync()
    {
        var letter = await ReadAsync<JsonElement>(await worker.GetAsync($"dead-letters/{line.Ids[0]}"));
        await terminal.Output.WriteLineAsync(JsonSerializer.Serialize(letter, Json));
        return Done;
    }

    // One by one, so that each has its own answer.
    private async Task<int> HandleEachAsync()
    {
        var done = 0;
        foreach (var id in line.Ids)
        {
            try
            {
                await ReadAsync<object?>(
                    line.Verb == "discard"
                        ? await worker.DeleteAsync($"dead-letters/{id}")
                        : await worker.PostAsync($"dead-letters/{id}/redrive", content: null)
                );
                done++;
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                await terminal.Error.WriteLineAsync(failure.Message);
                // Another letter would meet the same error.
                if (failure is not HttpRequestException { StatusCode: HttpStatusCode.NotFound })
                    break;
            }
        }
        await ReportAsync(done, line.Ids.Count - done);
        return done == line.Ids.Count ? Done : NotDone;
    }

    // Each call works for a few seconds and says how much is left.
    private async Task<int> HandleAllAsync()
    {
        var (done, upTo) = (0, (long?)null);
        while (true)
        {
            object request =
                line.Verb == "discard"
                    ? new DeadLetterSelection(Ids: null, All: true, line.Reason, upTo)
                    : new RedriveRequest(Ids: null, All: true, line.Reason, upTo) { PerSecond = line.Rate };
            var result = await ReadAsync<BulkResult>(
                await worker.PostAsJsonAsync($"dead-letters/{line.Verb}", request, Json)
            );
            done += result.Done;
            upTo = result.UpTo;
            if (result.Remaining == 0 || result.Done == 0)
            {
                await ReportAsync(done, result.Remaining);
                return result.Remaining == 0 ? Done : NotDone;
            }
            await terminal.Error.WriteLineAsync($"{done} done, {result.Remaining} to go");
        }
    }

    private async Task ReportAsync(long done, long notDone) =>
        await terminal.Output.WriteLineAsync(
            line.Json
                ? JsonSerializer.Serialize(new { done, notDone }, Json)
                : $"{done} {(line.Verb == "discard" ? "discarded" : "redriven")}"
                    + $"{(notDone > 0 ? $", {notDone} not" : "")}."
        );

    private bool IsConfirmed() =>
        terminal.Confirms(
            $"Discard {(line.All ? "all dead letters" : $"{line.Ids.Count} dead letter(s)")}"
                + $"{(line.Reason is null ? "" : $" with reason {line.Reason}")} for good?",
            "Nothing was discarded."
        );
}
