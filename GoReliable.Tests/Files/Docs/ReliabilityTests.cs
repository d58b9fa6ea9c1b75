using System.Reflection;
using GoReliable.Tests.OnPlatform.Faults;

namespace GoReliable.Tests.Files.Docs;

/// <summary>
/// docs/reliability-tests.md names the tests of each fault in docs/reliability.md, and no fault is tested without being
/// named.
/// </summary>
public sealed class ReliabilityTests
{
    private static readonly IReadOnlyList<MarkdownDocument.Row> Tested = MarkdownDocument
        .Read("docs/reliability-tests.md")
        .Rows("Fault");
    private static readonly IReadOnlyList<string> Named = [.. Tested.SelectMany(row => row.Codes("Test"))];

    private static IEnumerable<string> Tests(Func<Type, bool> which) =>
        from type in typeof(ReliabilityTests).Assembly.GetTypes().Where(which)
        from method in type.GetMethods()
        where method.GetCustomAttributes<FactAttribute>().Any()
        select $"{type.Name}.{method.Name}";

    [Fact]
    public void Each_fault_has_a_test_and_they_stand_in_the_same_order()
    {
        Assert.Equal(
            MarkdownDocument.Read("docs/reliability.md").Rows("Fault").Select(row => row["Fault"]),
            Tested.Select(row => row["Fault"])
        );
        Assert.All(Tested, row => Assert.NotEmpty(row.Codes("Test")));
    }

    [Fact]
    public void Each_test_that_the_document_names_exists() => Assert.Empty(Named.Except(Tests(_ => true)));

    [Fact]
    public void Each_test_of_a_fault_is_named_in_the_document() =>
        Assert.Empty(Tests(type => type.Namespace == typeof(FaultTests).Namespace).Except(Named));
}
