using System.Reflection;
using GoReliable.Tests.Faults;

namespace GoReliable.Tests.Docs;

/// <summary>docs/reliability.md names the test of each fault, and no fault is tested without being named.</summary>
public sealed class ReliabilityTests
{
    private static readonly IReadOnlyList<string> Named = [.. MarkdownDocument.Read("docs/reliability.md").Rows("Fault").SelectMany(row => row.Codes("Test"))];

    private static IEnumerable<string> Tests(Func<Type, bool> which) =>
        from type in typeof(ReliabilityTests).Assembly.GetTypes().Where(which)
        from method in type.GetMethods()
        where method.GetCustomAttributes<FactAttribute>().Any()
        select $"{type.Name}.{method.Name}";

    [Fact]
    public void Each_test_that_it_names_exists() => Assert.Empty(Named.Except(Tests(_ => true)));

    [Fact]
    public void Each_test_of_a_fault_is_named() => Assert.Empty(Tests(type => type.Namespace == typeof(FaultTests).Namespace).Except(Named));
}
