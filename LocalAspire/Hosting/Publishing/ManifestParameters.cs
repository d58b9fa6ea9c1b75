using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes parameters: how to ask for or generate their value, never a secret one.</summary>
internal static class ManifestParameters
{
    public static void Write(Utf8JsonWriter json, ParameterResource parameter)
    {
        json.WriteString("type", "parameter.v0");
        if (parameter.IsConnectionString)
            json.WriteString("connectionString", parameter.ValueExpression);

        json.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        json.WriteStartObject("inputs");
        json.WriteStartObject("value");
        json.WriteString("type", "string");
        if (parameter.Secret)
            json.WriteBoolean("secret", true);

        if (parameter.Default is { } value)
        {
            json.WriteStartObject("default");
            WriteDefault(json, value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteDefault(Utf8JsonWriter json, ParameterDefault value)
    {
        if (value is not GenerateParameterDefault rules)
        {
            json.WriteString("value", value.GetDefaultValue());
            return;
        }

        json.WriteStartObject("generate");
        json.WriteNumber("minLength", rules.MinLength);
        foreach (var (name, allowed) in new[] { ("lower", rules.Lower), ("upper", rules.Upper), ("numeric", rules.Numeric), ("special", rules.Special) })
        {
            if (!allowed)
                json.WriteBoolean(name, false);
        }

        foreach (var (name, least) in new[] { ("minLower", rules.MinLower), ("minUpper", rules.MinUpper), ("minNumeric", rules.MinNumeric), ("minSpecial", rules.MinSpecial) })
        {
            if (least != 0)
                json.WriteNumber(name, least);
        }

        json.WriteEndObject();
    }
}
