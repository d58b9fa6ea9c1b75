namespace OtlpReceiver;

/// <summary>What spans, log records and metric points have in common.</summary>
public abstract record ReceivedItem
{
    /// <summary>
    /// The attributes of the process that sent it: <c>service.name</c>, <c>service.instance.id</c> and so on.
    /// </summary>
    public required IReadOnlyDictionary<string, object?> Resource { get; init; }

    /// <summary>The instrumentation scope: the name of the activity source, the log category or the meter.</summary>
    public required string Scope { get; init; }

    /// <summary>
    /// Its own attributes. Values are <see cref="string"/>, <see cref="bool"/>, <see cref="long"/>,
    /// <see cref="double"/>,
    /// <c>byte[]</c>, or lists and dictionaries of these.
    /// </summary>
    public required IReadOnlyDictionary<string, object?> Attributes { get; init; }

    /// <summary>The resource's <c>service.name</c>, or an empty string.</summary>
    public string Service => Resource.GetValueOrDefault("service.name") as string ?? "";

    /// <summary>The value of an attribute, or null where there is none of that name.</summary>
    public object? this[string attribute] => Attributes.GetValueOrDefault(attribute);
}
