using GoReliable.Tests.OnPlatform.Processes;
using GoReliable.Tests.Platform;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace GoReliable.Tests.Platform;

/// <summary>
/// Starts the longest collections before all others: the tests of a collection run one after the other, so one that
/// started last would keep one processor busy and let the other wait.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        SharedPlatform.Name,
        ServersOnly.Name,
        RestartablePlatform.Name,
        ServersOnly.UnderLoad,
        AppHostTests.Name,
    ];

    // Those that are not in the list have the index -1, which as an unsigned number comes last.
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections
    )
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => (uint)Array.IndexOf(Longest, collection.TestCollectionDisplayName))];
}
