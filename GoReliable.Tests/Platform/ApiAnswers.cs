using System.Text.Json;

namespace GoReliable.Tests.Platform;

/// <summary>
/// Reads answers of our API as a client sees them: by the names on the wire, and only what tests look at. What has no
/// default value here must be in the answer.
/// </summary>
internal static class ApiAnswers
{
    private static readonly JsonSerializerOptions Strict = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <exception cref="JsonException">It is not as described.</exception>
    public static T Parse<T>(string json) => JsonSerializer.Deserialize<T>(json, Strict)!;
}

internal sealed record PageAnswer<T>(T[] Items, string? NextCursor);

/// <summary>A list that has no pages.</summary>
internal sealed record ListAnswer<T>(T[] Items);

internal sealed record OrderAnswer(
    Guid Id,
    string Status,
    decimal Total,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version,
    string? ContactEmail = null
);

internal sealed record NotificationAnswer(
    Guid Id,
    string Type,
    string Channel,
    string Status,
    int Attempts,
    DateTimeOffset SentAt,
    int Version
);

internal sealed record ProblemAnswer(
    int Status,
    string TraceId,
    string? Title = null,
    string? Detail = null,
    Dictionary<string, string[]>? Errors = null
);

internal sealed record HealthAnswer(Dictionary<string, HealthCheckAnswer> Checks);

internal sealed record HealthCheckAnswer(string Status, string? Reason = null);

internal sealed record DeadLetterAnswer(
    Guid Id,
    string? MessageId,
    string EventType,
    string Reason,
    string? ExceptionType,
    string? ExceptionMessage,
    int Attempts,
    int Redriven,
    DateTimeOffset? FirstFailure,
    DateTimeOffset DeadSince,
    string? TraceId
);

internal sealed record DeadLetterDetailAnswer(DeadLetterAnswer Letter, PropertiesAnswer Properties, string? Body);

/// <summary>The AMQP properties of a dead letter; <c>wire</c> where they cannot be decoded.</summary>
internal sealed record PropertiesAnswer(Dictionary<string, JsonElement> Headers, string? Wire = null);

/// <summary>How many dead letters a call redrove or discarded, and how many it left.</summary>
internal sealed record BulkAnswer(int Done, int Remaining);

/// <summary>An order whose events wait for an operator.</summary>
internal sealed record SetAsideAnswer(string Type, int Attempts, string Reason);

internal sealed record SetAsideDetailAnswer(SetAsideAnswer Item, SetAsideEventAnswer[] Events);

internal sealed record SetAsideEventAnswer(string Type, string? Body);

/// <summary>How many orders get another try.</summary>
internal sealed record RetriedAnswer(int Done);

/// <summary>How much of one kind of data was erased.</summary>
internal sealed record ErasedAnswer(long Count);
