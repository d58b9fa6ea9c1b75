namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from configuration (<c>Parameters:name</c>), or a default.</summary>
public class ParameterResource : Resource, IExpressionValue
{
    private readonly Lazy<string> _value;

    /// <summary>Creates a parameter whose value the callback finds, once.</summary>
    public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : base(name)
    {
        _value = new Lazy<string>(() => callback(Default));
        Secret = secret;
    }

    /// <summary>What is taken when nothing is configured.</summary>
    public ParameterDefault? Default { get; set; }

    /// <summary>Whether the value is kept out of logs and the manifest.</summary>
    public bool Secret { get; }

    /// <summary>Whether the parameter is a whole connection string.</summary>
    public bool IsConnectionString { get; set; }

    /// <summary>What the parameter is for.</summary>
    public string? Description { get; set; }

    /// <inheritdoc/>
    public string ValueExpression => $"{{{Name}.value}}";

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => ValueTask.FromResult<string?>(_value.Value);
}
