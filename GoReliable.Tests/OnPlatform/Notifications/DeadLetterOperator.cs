using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using GoReliable.Messaging;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Management;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>An operator of the shared platform's dead letters, and messages that were given up.</summary>
public sealed class DeadLetterOperator : IDisposable
{
    /// <summary>A reason that only letters of these tests have. Other tests leave letters with real ones.</summary>
    internal const string Reason = "test";

    public DeadLetterOperator(SharedPlatform shared)
    {
        Platform = shared.Platform;
        Client = Platform.Management("notifications");
        Client.DefaultRequestHeaders.Authorization = Platform.Tokens.Bearer("olga", Scopes.NotificationsOperate);
    }

    public GoReliablePlatform Platform { get; }

    /// <summary>Requests to the worker's management port.</summary>
    public HttpClient Client { get; }

    public void Dispose() => Client.Dispose();

    /// <summary>Dead letters whose events can be delivered, unless their address is none.</summary>
    internal async Task<Guid[]> GiveUpAsync(int count, string reason = Reason, string? contactEmail = null)
    {
        Guid[] ids = [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7())];
        await Odd.PublishAllAsync(
            Platform,
            OrderTopology.DeadQueue,
            ids.Select(id => Odd.Event(id, contactEmail)),
            (MessageHeaders.DeadReason, reason)
        );
        foreach (var id in ids)
            await FindAsync(id);
        return ids;
    }

    /// <summary>The dead letter of an event that the worker itself gave up: its fourth attempt, the last, failed.</summary>
    internal async Task<FailedEvent> FailAsync()
    {
        var (id, trace, span) = (
            Guid.CreateVersion7(),
            ActivityTraceId.CreateRandom().ToHexString(),
            ActivitySpanId.CreateRandom().ToHexString()
        );
        // Stands where the e-mail should be written.
        var obstacle = Directory.CreateDirectory(Path.Combine(Platform.PickupFolder, $"{id}.eml"));
        await Odd.PublishAsync(
            Platform,
            OrderTopology.Queue,
            Odd.Event(id, "odd@example.com"),
            (MessageHeaders.Attempt, 3),
            (MessageHeaders.TraceParent, $"00-{trace}-{span}-01")
        );
        var detail = await FindAsync(id);
        obstacle.Delete();
        return new(id, trace, span, detail);
    }

    /// <summary>Waits for a dead letter.</summary>
    internal Task<DeadLetterDetailAnswer> FindAsync(Guid id) =>
        Poll.UntilAsync(
            $"dead letter {id}",
            () => Client.GetAsync<DeadLetterDetailAnswer>($"/dead-letters/{id}"),
            _ => true
        );

    /// <summary>Waits for the dead letter of a message that may have no event to find it by.</summary>
    internal Task<DeadLetterAnswer> FindByMessageAsync(string message) =>
        Poll.UntilAsync(
            $"the dead letter of message {message}",
            async () => (await PageAsync("?limit=200")).Items.First(letter => letter.MessageId == message),
            _ => true
        );

    /// <summary>A page of dead letters, oldest first.</summary>
    internal Task<PageAnswer<DeadLetterAnswer>> PageAsync(string query) =>
        Client.GetAsync<PageAnswer<DeadLetterAnswer>>($"/dead-letters{query}");

    /// <summary>How many notifications were stored of events.</summary>
    internal async Task<long> NotifiedAsync(params Guid[] events)
    {
        await using var database = await Platform.DatabaseAsync("notifications-db");
        return await database.ScalarAsync<long>("SELECT count(*) FROM notifications WHERE event_id = ANY ($1)", events);
    }

    /// <summary>Waits until a notification was stored of each of these events.</summary>
    internal Task<long> WaitUntilNotifiedAsync(params Guid[] events) =>
        Poll.UntilAsync("all notifications", () => NotifiedAsync(events), count => count == events.Length);

    internal async Task RedriveAsync(Guid id)
    {
        using var answer = await Client.SendJsonAsync("POST", $"/dead-letters/{id}/redrive");
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    internal async Task DiscardAsync(Guid id)
    {
        using var answer = await Client.SendJsonAsync("DELETE", $"/dead-letters/{id}");
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Redrives or discards more than one.</summary>
    /// <param name="verb"><c>redrive</c> or <c>discard</c>.</param>
    /// <param name="selection">The body of the request.</param>
    internal async Task<BulkAnswer> BulkAsync(string verb, object selection)
    {
        using var answer = await Client.PostAsJsonAsync(
            $"/dead-letters/{verb}",
            selection,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.ReadAsync<BulkAnswer>();
    }

    /// <summary>Discards what a test left.</summary>
    internal async Task CleanAsync() => await BulkAsync("discard", new { all = true, reason = Reason });

    /// <summary>Runs the command line as an operator types it.</summary>
    internal async Task<(int ExitCode, string Output, string Error)> RunAsync(string arguments, string answer = "")
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var token = Platform.Tokens.Issue("olga", Scopes.NotificationsOperate);
        var exitCode = await DeadLetterCommand.RunAsync(
            $"{arguments} --url {Client.BaseAddress} --token -".Split(' '),
            new Terminal(new StringReader($"{token}\n{answer}"), output, error)
        );
        return (exitCode, output.ToString(), error.ToString());
    }
}

/// <param name="Id">The event's.</param>
/// <param name="TraceId">Of the trace in which it was published.</param>
/// <param name="SpanId">Of the span that published it.</param>
/// <param name="Detail">Its dead letter.</param>
internal sealed record FailedEvent(Guid Id, string TraceId, string SpanId, DeadLetterDetailAnswer Detail);
