using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Builds a <see cref="ReferenceExpression"/> piece by piece.</summary>
public class ReferenceExpressionBuilder
{
    private readonly StringBuilder _format;
    private readonly List<IValueProvider> _valueProviders = [];
    private readonly List<string> _manifestExpressions = [];
    private readonly List<string?> _stringFormats = [];

    /// <summary>Creates an empty builder.</summary>
    public ReferenceExpressionBuilder() : this(16)
    {
    }

    internal ReferenceExpressionBuilder(int capacity) => _format = new StringBuilder(capacity);

    /// <summary>Whether nothing was added.</summary>
    public bool IsEmpty => _format.Length == 0;

    /// <summary>Adds an interpolated string.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "The compiler hands the builder to the handler, which does the work.")]
    public void Append([InterpolatedStringHandlerArgument("")] in ReferenceExpressionBuilderInterpolatedStringHandler handler) => _ = handler;

    /// <summary>Adds text.</summary>
    public void AppendLiteral(string value) => _format.Append(value);

    /// <summary>Adds text, formatted.</summary>
    public void AppendFormatted(string? value, string? format = null) =>
        _format.Append(value is not null && format is not null ? ReferenceExpression.ApplyFormat(value, format) : value);

    /// <summary>Adds a hole.</summary>
    public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider, null);

    /// <summary>Adds a hole whose value is formatted.</summary>
    public void AppendFormatted<T>(T valueProvider, string? format) where T : IValueProvider, IManifestExpressionProvider
    {
        _format.Append(CultureInfo.InvariantCulture, $"{{{_valueProviders.Count}}}");
        _valueProviders.Add(valueProvider);
        _manifestExpressions.Add(valueProvider.ValueExpression);
        _stringFormats.Add(format);
    }

    /// <summary>The expression.</summary>
    public ReferenceExpression Build() => new(_format.ToString(), [.. _valueProviders], [.. _manifestExpressions], [.. _stringFormats]);

    /// <summary>Hands the parts of an interpolated string to a builder.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ReferenceExpressionBuilderInterpolatedStringHandler
    {
        private readonly ReferenceExpressionBuilder builder;

        /// <summary>What the compiler calls first.</summary>
        /// <param name="literalLength">How much text there is, holes not counted.</param>
        /// <param name="formattedCount">How many holes there are.</param>
        /// <param name="builder">Gets the parts.</param>
        public ReferenceExpressionBuilderInterpolatedStringHandler(int literalLength, int formattedCount, ReferenceExpressionBuilder builder) => this.builder = builder;

        /// <summary>Text between holes.</summary>
        public void AppendLiteral(string value) => builder.AppendLiteral(value);

        /// <summary>A hole with a text that is known already.</summary>
        public void AppendFormatted(string? value) => builder.AppendFormatted(value);

        /// <summary>A hole with a text that is known already, formatted.</summary>
        public void AppendFormatted(string? value, string format) => builder.AppendFormatted(value, format);

        /// <summary>A hole.</summary>
        public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider => builder.AppendFormatted(valueProvider);

        /// <summary>A hole whose value is formatted.</summary>
        public void AppendFormatted<T>(T valueProvider, string? format) where T : IValueProvider, IManifestExpressionProvider => builder.AppendFormatted(valueProvider, format);
    }
}
