using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.Files.Docs;

/// <summary>What all documents have in common: where their links lead, and how their commands can be pasted.</summary>
public sealed partial class DocumentTests
{
    private static readonly IReadOnlyList<string> Documents =
    [
        DeployFiles.Path("README.md"),
        .. DeployFiles.Find("docs", "*.md"),
    ];

    [Fact]
    public void Links_between_the_documents_lead_somewhere() =>
        Assert.All(Documents, page =>
            Assert.All(
                Link.Matches(File.ReadAllText(page))
                    .Select(match => match.Groups[1].Value)
                    .Where(link => !link.Contains("://")),
                link =>
                {
                    var (path, anchor) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
                    var target = path.Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, path);
                    Assert.True(File.Exists(target) || Directory.Exists(target), $"{link} leads nowhere.");
                    if (anchor is not null)
                        Assert.Contains(anchor, Anchors(target));
                }
            )
        );

    // The interactive zsh of macOS takes # and the words behind it for arguments.
    [Fact]
    public void Commands_to_paste_have_no_comments() =>
        Assert.All(Documents, page =>
            Assert.All(
                ShellBlock.Matches(File.ReadAllText(page)).SelectMany(block => block.Groups[1].Value.Split('\n')),
                line => Assert.DoesNotMatch(Comment, Quoted.Replace(line, ""))
            )
        );

    // As GitHub makes them of headings.
    private static IEnumerable<string> Anchors(string page) =>
        Heading
            .Matches(CodeBlock.Replace(File.ReadAllText(page), ""))
            .Select(match => NotInAnchors.Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link { get; }

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors { get; }

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock { get; }

    [GeneratedRegex(@"^ *```(?:sh|bash)\n(.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock { get; }

    [GeneratedRegex("'[^']*'")]
    private static partial Regex Quoted { get; }

    [GeneratedRegex(@"(^|\s)#")]
    private static partial Regex Comment { get; }
}
