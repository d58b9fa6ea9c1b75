using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A pod asks for the memory that it was measured to need, and may use more.</summary>
public sealed partial class MemoryTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_service_asks_for_what_it_needs_under_load_and_may_use_a_quarter_more(string overlay)
    {
        var measured = Measured.Match(DeployFiles.Read("docs/performance.md")).Groups["of"].Value;
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(platform.ServiceContainers, container =>
        {
            var megabytes = Regex.Match(measured, $@"{container.Name} (\d+) MB").Groups[1].Value;
            var needed = decimal.Parse(megabytes) * 1_000_000;
            var requested = container.Resources.Requests["memory"].ToDecimal();
            Assert.True(requested >= needed, $"{container.Name} needs {needed} bytes and asks for {requested}.");
            Assert.True(container.Resources.Limits["memory"].ToDecimal() >= 1.25m * requested, container.Name);
        });
    }

    [GeneratedRegex(@"\| memory after the load \| (?<of>.+) \|", RegexOptions.ExplicitCapture)]
    private static partial Regex Measured { get; }
}
