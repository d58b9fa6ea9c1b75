namespace GoReliable.Messaging;

/// <summary>
/// What a published order event says of itself: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
/// </summary>
public static class CloudEvents
{
    /// <summary>Media type of an event in structured JSON.</summary>
    public const string ContentType = "application/cloudevents+json";

    /// <summary>CloudEvents type of a routing key; a change that old readers cannot read gets a new version.</summary>
    public static string TypeOf(string routingKey) => $"goreliable.{routingKey}.v1";
}
