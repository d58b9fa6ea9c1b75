using System.Net.Http.Json;
using System.Text.Json;
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
            async () =>
            {
                using var answer = await PostAsync("/dead-letters/discard", new { all = true });
                return (await answer.JsonAsync()).GetProperty("remaining").GetInt32();
            },
            remaining => remaining == 0
        );

    /// <summary>Waits for a dead letter.</summary>
    internal async Task<JsonElement> FindAsync(Guid id) =>
        await Poll.UntilAsync(
            $"dead letter {id}",
            () => Operator.GetJsonAsync($"/dead-letters/{id}"),
            found => found.ValueKind == JsonValueKind.Object
        );

    /// <summary>How many notifications were stored of an event.</summary>
    internal async Task<long> NotifiedAsync(params Guid[] events)
    {
        await using var database = await Platform.DatabaseAsync("notifications-db");
        await using var command = database.CreateCommand(
            "SELECT count(*) FROM notifications WHERE event_id = ANY ($1)"
        );
        command.Parameters.AddWithValue(events);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    internal Task<HttpResponseMessage> PostAsync(string path, object body) =>
        Operator.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);

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
}

[CollectionDefinition(DeadLetterPlatform.Name)]
public sealed class DeadLetterPlatformTests : ICollectionFixture<DeadLetterPlatform>;
