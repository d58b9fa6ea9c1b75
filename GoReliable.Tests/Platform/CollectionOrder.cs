using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.OnPlatform.Processes;
using GoReliable.Tests.Platform;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(CollectionOrder))]

namespace GoReliable.Tests.Platform;

/// <summary>
/// Starts the longest collections before all others: the tests of a collection run one after the other, so one that
/// started last would keep one processor busy and let the other wait. The faults come last, so that they have the machine
/// nearly for themselves; beside them go on only tests that start processes and wait for them, and measure no times.
/// </summary>
public sealed class CollectionOrder : ITestCollectionOrderer
{
    private static readonly string[] First =
    [
        SharedPlatform.Name,
        ServersOnly.Name,
        RestartablePlatform.Name,
        ServersOnly.UnderLoad,
    ];

    private static readonly string[] Last = [AppHostTests.Name, FaultyPlatformTests.Name];

    // Those that are in neither list have the index -1 in both, and are between them.
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections
    )
        where TTestCollection : ITestCollection =>
        [
            .. testCollections
                .OrderBy(collection => Array.IndexOf(Last, collection.TestCollectionDisplayName))
                .ThenBy(collection => (uint)Array.IndexOf(First, collection.TestCollectionDisplayName)),
        ];
}
