using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// A text with holes. Running, the holes are values (<c>Host=localhost;Port=5432</c>);
/// in the manifest they are expressions (<c>Host={postgres.bindings.tcp.host}</c>).
/// </summary>
public class ReferenceExpression : IExpressionValue, IValueWithReferences
{
    /// <summary>An expression without text.</summary>
    public static readonly ReferenceExpression Empty = new("", [], [], []);

    private readonly string[] _manifestExpressions;
    private readonly string?[] _stringFormats;

    internal ReferenceExpression(string format, IValueProvider[] valueProviders, string[] manifestExpressions, string?[] stringFormats)
    {
        Format = format;
        ValueProviders = valueProviders;
        _manifestExpressions = manifestExpressions;
        _stringFormats = stringFormats;
    }

    /// <summary>The text as a composite format string.</summary>
    public string Format { get; }

    /// <summary>What fills each hole in the manifest.</summary>
    public IReadOnlyList<string> ManifestExpressions => _manifestExpressions;

    /// <summary>How the value of each hole is written; null or <c>uri</c>.</summary>
    public IReadOnlyList<string?> StringFormats => _stringFormats;

    /// <summary>What fills each hole when running.</summary>
    public IReadOnlyList<IValueProvider> ValueProviders { get; }

    IEnumerable<object> IValueWithReferences.References => ValueProviders;

    /// <inheritdoc/>
    public string ValueExpression => string.Format(CultureInfo.InvariantCulture, Format, _manifestExpressions);

    /// <summary>Makes an expression of an interpolated string.</summary>
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.GetExpression();

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => GetValueAsync(new ValueProviderContext(), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        if (Format.Length == 0)
            return null;

        var values = new object?[ValueProviders.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var value = await ValueProviders[i].GetValueAsync(context, cancellationToken);
            values[i] = value is not null && _stringFormats[i] is { } format ? ApplyFormat(value, format) : value;
        }

        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    internal static string ApplyFormat(string value, string format) => format.ToLowerInvariant() switch
    {
        "uri" => Uri.EscapeDataString(value),
        _ => throw new NotSupportedException($"The format '{format}' is not supported; 'uri' is the only one."),
    };

    /// <summary>Collects the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        private readonly ReferenceExpressionBuilder _builder = new(literalLength + formattedCount * 4);

        /// <summary>Text between holes.</summary>
        public void AppendLiteral(string value) => _builder.AppendLiteral(Escape(value));

        /// <summary>A hole with a text that is known already.</summary>
        public void AppendFormatted(string? value) => AppendFormatted(value, null);

        /// <inheritdoc cref="AppendFormatted(string?)"/>
        public void AppendFormatted(string? value, string? format = null)
        {
            if (value is not null)
                _builder.AppendLiteral(Escape(format is null ? value : ApplyFormat(value, format)));
        }

        /// <summary>A hole.</summary>
        public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider, null);

        /// <summary>A hole whose value is formatted.</summary>
        public void AppendFormatted<T>(T valueProvider, string? format = null) where T : IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider, format);

        /// <summary>A hole filled by a resource.</summary>
        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider) where T : IResource, IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider.Resource, null);

        /// <summary>A hole filled by a resource, formatted.</summary>
        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format = null) where T : IResource, IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider.Resource, format);

        internal ReferenceExpression GetExpression() => _builder.Build();

        // Braces that are doubled already stay as they are, single ones are doubled.
        private static string Escape(string text)
        {
            if (text.AsSpan().IndexOfAny('{', '}') < 0)
                return text;

            var escaped = new StringBuilder(text.Length + 4);
            for (var i = 0; i < text.Length; i++)
            {
                escaped.Append(text[i]);
                if (text[i] is not ('{' or '}'))
                    continue;

                escaped.Append(text[i]);
                if (i + 1 < text.Length && text[i + 1] == text[i])
                    i++;
            }

            return escaped.ToString();
        }
    }
}
