namespace Aspire.Hosting.ApplicationModel;

/// <summary>Makes the value of a parameter that is not configured.</summary>
public abstract class ParameterDefault
{
    /// <summary>The value.</summary>
    public abstract string GetDefaultValue();
}

/// <summary>Makes a random value.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    /// <summary>Length in characters, unless the other minimums ask for more. 22 characters of the full set carry 128 bits.</summary>
    public int MinLength { get; set; } = 22;

    /// <summary>Whether lower case letters may occur.</summary>
    public bool Lower { get; set; } = true;

    /// <summary>Whether upper case letters may occur.</summary>
    public bool Upper { get; set; } = true;

    /// <summary>Whether digits may occur.</summary>
    public bool Numeric { get; set; } = true;

    /// <summary>Whether punctuation may occur.</summary>
    public bool Special { get; set; } = true;

    /// <summary>Least number of lower case letters.</summary>
    public int MinLower { get; set; }

    /// <summary>Least number of upper case letters.</summary>
    public int MinUpper { get; set; }

    /// <summary>Least number of digits.</summary>
    public int MinNumeric { get; set; }

    /// <summary>Least number of punctuation characters.</summary>
    public int MinSpecial { get; set; }

    /// <inheritdoc/>
    public override string GetDefaultValue() => PasswordGenerator.Generate(this);
}

/// <summary>A fixed value that is published as well.</summary>
internal sealed class ConstantParameterDefault(Func<string> valueGetter) : ParameterDefault
{
    private readonly Lazy<string> _value = new(valueGetter);

    public override string GetDefaultValue() => _value.Value;
}

/// <summary>Remembers a generated value in the AppHost's user secrets, so that the next run has the same.</summary>
internal sealed class UserSecretsParameterDefault(string parameterName, ParameterDefault inner, UserSecrets secrets) : ParameterDefault
{
    /// <summary>What makes the value, and what the manifest shows.</summary>
    public ParameterDefault Inner => inner;

    public override string GetDefaultValue() => secrets.GetOrSet($"Parameters:{parameterName}", inner.GetDefaultValue);
}
