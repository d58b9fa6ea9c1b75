using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.Files.Docs;

/// <summary>A document of the repository, as its tests need it: the rows of its tables and its fenced blocks.</summary>
internal sealed partial class MarkdownDocument
{
    private readonly string[] lines;

    private MarkdownDocument(string[] lines) => this.lines = lines;

    /// <summary>Reads a document.</summary>
    /// <param name="path">Relative to the repository's root.</param>
    public static MarkdownDocument Read(string path) => new(File.ReadAllLines(DeployFiles.Path(path)));

    /// <summary>The rows of all tables whose first column has this heading.</summary>
    public IReadOnlyList<Row> Rows(string firstColumn)
    {
        var rows = new List<Row>();
        string[]? headings = null;
        foreach (var line in lines)
        {
            if (!line.StartsWith('|'))
                headings = null;
            else if (headings is null)
                headings = Cells(line);
            else if (headings[0] == firstColumn && !line.StartsWith("| ---", StringComparison.Ordinal))
                rows.Add(new Row(headings.Zip(Cells(line)).ToDictionary(cell => cell.First, cell => cell.Second)));
        }
        Assert.NotEmpty(rows);
        return rows;
    }

    /// <summary>
    /// The fenced blocks in a language: those between the lines <paramref name="marker"/> and <paramref name="end"/>.
    /// </summary>
    public IReadOnlyList<string> Blocks(string language, string? marker = null, string? end = null)
    {
        var blocks = new List<string>();
        List<string>? block = null;
        var part = lines.SkipWhile(line => marker is not null && line != marker).TakeWhile(line => line != end);
        foreach (var line in part)
        {
            if (block is null && line == $"```{language}")
                block = [];
            else if (block is not null && line == "```")
            {
                blocks.Add(string.Join('\n', block));
                block = null;
            }
            else
                block?.Add(line);
        }
        Assert.NotEmpty(blocks);
        return blocks;
    }

    private static string[] Cells(string line) => [.. line.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeStyle();

    /// <summary>A row of a table.</summary>
    internal sealed class Row(IReadOnlyDictionary<string, string> cells)
    {
        /// <summary>A cell's text, by its column's heading.</summary>
        public string this[string column] => cells[column];

        /// <summary>The parts of a cell that are in code style.</summary>
        public IReadOnlyList<string> Codes(string column) =>
            [.. CodeStyle().Matches(cells[column]).Select(code => code.Groups[1].Value)];

        /// <summary>The one part of a cell that is in code style.</summary>
        public string Code(string column) => Assert.Single(Codes(column));
    }
}
