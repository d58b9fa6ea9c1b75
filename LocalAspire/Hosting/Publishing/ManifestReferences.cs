using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>A resource of the manifest that stands for a parameter in a format such as <c>uri</c>.</summary>
internal sealed record EncodedParameter(string Name, ParameterResource Parameter, string Format);

/// <summary>Turns values into expressions (<c>{postgres.bindings.tcp.port}</c>) and remembers what they refer to.</summary>
internal sealed class ManifestReferences
{
    private readonly List<IResource> _resources = [];
    private readonly List<EncodedParameter> _encoded = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The resources that values referred to so far, each once, in that order.</summary>
    public IReadOnlyList<IResource> Resources => _resources;

    /// <summary>Keeps names from being given to encoded parameters.</summary>
    public void Reserve(IEnumerable<string> names) => _names.UnionWith(names);

    /// <summary>The text that the manifest has for a value.</summary>
    public string Expression(object value)
    {
        Remember(value);
        return value switch
        {
            string text => text,
            ReferenceExpression expression => Expression(expression),
            IManifestExpressionProvider provider => provider.ValueExpression,
            IResourceBuilder<IResource> { Resource: IManifestExpressionProvider provider } => provider.ValueExpression,
            _ => value.ToString() ?? "",
        };
    }

    /// <summary>Hands out, once, the encoded forms of a parameter, or of all that are left.</summary>
    public IReadOnlyList<EncodedParameter> TakeEncoded(ParameterResource? parameter = null)
    {
        var taken = _encoded.Where(e => parameter is null || e.Parameter == parameter).ToList();
        _encoded.RemoveAll(taken.Contains);
        return taken;
    }

    private string Expression(ReferenceExpression expression)
    {
        var holes = expression.ManifestExpressions.Select((hole, i) =>
            EncodedName(expression.ValueProviders[i], expression.StringFormats[i]) is { } name ? $"{{{name}.value}}" : hole);
        return string.Format(CultureInfo.InvariantCulture, expression.Format, [.. holes]);
    }

    private string? EncodedName(IValueProvider provider, string? format)
    {
        if (string.IsNullOrEmpty(format) || provider is not ParameterResource parameter)
            return null;

        if (_encoded.Find(e => e.Parameter == parameter && e.Format == format) is { } known)
            return known.Name;

        var name = $"{parameter.Name}-{format.ToLowerInvariant()}-encoded";
        for (var suffix = 1; !_names.Add(name); suffix++)
            name = $"{parameter.Name}-{format.ToLowerInvariant()}-encoded-{suffix}";

        _encoded.Add(new EncodedParameter(name, parameter, format));
        return name;
    }

    private void Remember(object value)
    {
        if (value is IResource resource)
        {
            if (_resources.TrueForAll(r => r.Name != resource.Name))
            {
                _resources.Add(resource);
                _names.Add(resource.Name);
            }

            return;
        }

        if (value is ReferenceExpression expression)
        {
            for (var i = 0; i < expression.ValueProviders.Count; i++)
                EncodedName(expression.ValueProviders[i], expression.StringFormats[i]);
        }

        foreach (var reference in (value as IValueWithReferences)?.References ?? [])
            Remember(reference);
    }
}
