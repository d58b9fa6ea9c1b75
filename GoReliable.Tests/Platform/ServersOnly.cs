namespace GoReliable.Tests.Platform;

/// <summary>PostgreSQL and RabbitMQ of a platform, for tests that start services in their own way, or need none.</summary>
public sealed class ServersOnly : IAsyncLifetime
{
    /// <summary>Collection of the tests that share them; none leaves a service that runs.</summary>
    public const string Name = "servers only";

    /// <summary>Collection of those that keep the servers busy, on servers of their own.</summary>
    public const string UnderLoad = "servers under load";

    public GoReliablePlatform Platform { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Platform = await GoReliablePlatform.StartAsync(services: false);

    public ValueTask DisposeAsync() => Platform.DisposeAsync();
}

[CollectionDefinition(ServersOnly.Name)]
public sealed class ServersOnlyTests : ICollectionFixture<ServersOnly>;

[CollectionDefinition(ServersOnly.UnderLoad)]
public sealed class ServersUnderLoadTests : ICollectionFixture<ServersOnly>;
