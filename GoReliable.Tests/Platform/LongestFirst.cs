using GoReliable.Tests.Faults;
using GoReliable.Tests.Platform;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace GoReliable.Tests.Platform;

/// <summary>
/// Starts the two collections whose tests share a platform, and so run one after the other, before all others. Started
/// last, each would keep one processor busy and let the others wait.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest = [FaultyPlatformTests.Name, SharedPlatform.Name];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => !Longest.Contains(collection.TestCollectionDisplayName))];
}
