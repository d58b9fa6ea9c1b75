using System.Net;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Notifications.DeadLetters;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>A platform whose worker tries again once, after 50 ms, and then gives up.</summary>
public sealed class DeadLetterPlatform : IAsyncLifetime
{
    /// <summary>Collection of the tests that share it.</summary>
    public const string Name = "dead letters";

    public GoReliablePlatform Platform { get; private set; } = null!;

    /// <summary>The operator, at the worker's management port.</summary>
    public HttpClient Operator { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Platform = await GoReliablePlatform.StartAsync(configure: builder =>
            builder
                .CreateResourceBuilder<ProjectResource>("notifications")
                .WithEnvironment("Retry__Delays__0", "00:00:00.050")
        );
        Operator = Platform.Management("notifications");
        Operator.DefaultRequestHeaders.Authorization = Platform.Tokens.Bearer("olga", Scopes.NotificationsOperate);
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        await Platform.DisposeAsync();
    }

    /// <summary>An event whose delivery fails until it is unblocked, after it was given up.</summary>
    internal async Task<TestEvent> GiveUpAsync()
    {
        var message = await TestEvent.PublishAsync(Platform, block: true);
        await FindAsync(message.Id);
        return message;
    }

    /// <summary>Discards what other tests left.</summary>
    internal async Task EmptyAsync() =>
        await Poll.UntilAsync(
            "no dead letters",
            async () => (await BulkAsync("discard", new { all = true })).Remaining,
            remaining => remaining == 0
        );

    /// <summary>Waits for a dead letter.</summary>
    internal Task<DeadLetterDetailAnswer> FindAsync(Guid id) =>
        Poll.UntilAsync(
            $"dead letter {id}",
            () => Operator.GetAsync<DeadLetterDetailAnswer>($"/dead-letters/{id}"),
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
    internal Task<PageAnswer<DeadLetterAnswer>> PageAsync(string query = "") =>
        Operator.GetAsync<PageAnswer<DeadLetterAnswer>>($"/dead-letters{query}");

    /// <summary>How many notifications were stored of an event.</summary>
    internal async Task<long> NotifiedAsync(params Guid[] events)
    {
        await using var database = await Platform.DatabaseAsync("notifications-db");
        return await database.ScalarAsync<long>("SELECT count(*) FROM notifications WHERE event_id = ANY ($1)", events);
    }

    internal async Task RedriveAsync(Guid id)
    {
        using var answer = await Operator.PostAsync(
            $"/dead-letters/{id}/redrive",
            content: null,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    internal async Task DiscardAsync(Guid id)
    {
        using var answer = await Operator.DeleteAsync($"/dead-letters/{id}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Redrives or discards more than one.</summary>
    /// <param name="verb"><c>redrive</c> or <c>discard</c>.</param>
    /// <param name="selection">The body of the request.</param>
    internal async Task<BulkAnswer> BulkAsync(string verb, object selection)
    {
        using var answer = await Operator.PostAsJsonAsync(
            $"/dead-letters/{verb}",
            selection,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.ReadAsync<BulkAnswer>();
    }

    /// <summary>Runs the command line as an operator types it.</summary>
    internal async Task<(int ExitCode, string Output, string Error)> CommandAsync(
        string arguments,
        string answer = "",
        string? scopes = Scopes.NotificationsOperate
    )
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var token = scopes is null ? "" : $" --token {Platform.Tokens.Issue("olga", scopes)}";
        var exitCode = await DeadLetterCommand.RunAsync(
            $"{arguments} --url {Operator.BaseAddress}{token}".Split(' ', StringSplitOptions.RemoveEmptyEntries),
            new StringReader(answer),
            output,
            error,
            TestContext.Current.CancellationToken
        );
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>The same, without its errors.</summary>
    internal async Task<(int ExitCode, string Output)> RunAsync(string arguments, string answer = "")
    {
        var (exitCode, output, _) = await CommandAsync(arguments, answer);
        return (exitCode, output.ReplaceLineEndings("\n"));
    }
}

[CollectionDefinition(DeadLetterPlatform.Name)]
public sealed class DeadLetterPlatformTests : ICollectionFixture<DeadLetterPlatform>;
