namespace GoReliable.Tests.Platform;

/// <summary>One platform for all tests that break nothing.</summary>
public sealed class SharedPlatform : IAsyncLifetime
{
    /// <summary>Collection of the tests that share it.</summary>
    public const string Name = "shared platform";

    /// <summary>The platform, healthy.</summary>
    public GoReliablePlatform Platform { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Platform = await GoReliablePlatform.StartAsync();

    public ValueTask DisposeAsync() => Platform.DisposeAsync();
}

[CollectionDefinition(SharedPlatform.Name)]
public sealed class SharedPlatformTests : ICollectionFixture<SharedPlatform>;
