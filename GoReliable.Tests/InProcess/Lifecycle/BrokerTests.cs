using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.Lifecycle;

public sealed class BrokerTests : IAsyncDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly LoggedEvents<Broker> events = new();
    private readonly FakeBroker server = new();
    private readonly Broker broker;

    public BrokerTests() => broker = new(server.Factory, events, time);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task A_broker_that_is_away_for_an_hour_is_waited_for_and_logged_once()
    {
        server.Failures = 3600;

        var waiting = new[] { broker.ConnectAsync("one", Cancel), broker.ConnectAsync("one", Cancel) };
        while (!waiting.All(task => task.IsCompleted))
        {
            Cancel.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Same(await waiting[0], await waiting[1]);
        Assert.True(broker.IsConnected);
        Assert.True(server.Tries > 3600);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    [Fact]
    public async Task The_end_of_another_connection_does_not_unblock_the_one_that_is_blocked()
    {
        var publish = await ConnectAsync("publish");
        var consume = await ConnectAsync("consume");

        await publish.BlockAsync("low on memory");
        await consume.EndAsync();

        Assert.Equal("low on memory", broker.BlockedReason);
        Assert.Equal(["broker.blocked"], events.Names);

        await publish.EndAsync();

        Assert.Null(broker.BlockedReason);
        Assert.Equal(["broker.blocked", "broker.unblocked"], events.Names);
    }

    [Fact]
    public async Task A_connection_that_was_replaced_no_longer_says_whether_publishing_is_blocked()
    {
        var ended = await ConnectAsync("publish");
        await ended.BlockAsync("low on memory");
        ended.IsOpen = false;

        var next = await ConnectAsync("publish");
        Assert.Null(broker.BlockedReason);

        await next.BlockAsync("low on disk");
        await ended.EndAsync();
        Assert.Equal("low on disk", broker.BlockedReason);
    }

    [Fact]
    public async Task Each_outage_is_logged_once_and_so_is_its_end()
    {
        var expected = new List<string>();
        Assert.False(broker.IsConnected);

        for (var outage = 1; outage <= 2; outage++)
        {
            var publish = await ConnectAsync("publish");
            var consume = await ConnectAsync("consume");
            server.Failures = 3;

            // One connection that ends alone is no outage, but somebody waits for it.
            publish.IsOpen = false;
            Assert.True(broker.IsConnected);
            var publishing = broker.ConnectAsync("publish", Cancel);
            Assert.False(broker.IsConnected);
            Assert.Equal(expected, events.Names);

            consume.IsOpen = false;
            var consuming = broker.ConnectAsync("consume", Cancel);
            expected.Add("broker.unreachable");
            Assert.Equal(expected, events.Names);

            await AdvanceUntilAsync(Task.WhenAll(publishing, consuming));
            expected.Add("broker.connected");
            Assert.Equal(expected, events.Names);
            Assert.True(broker.IsConnected);
        }
    }

    [Fact]
    public async Task A_connection_that_ended_is_replaced_at_once_by_whoever_needs_it()
    {
        var ended = await ConnectAsync("publish");
        ended.IsOpen = false;

        var next = await ConnectAsync("publish");

        Assert.NotSame(ended, next);
        Assert.True(ended.IsDisposed);
        Assert.True(broker.IsConnected);
    }

    // The client library says that it is connected before the broker has opened the virtual host.
    [Fact]
    public async Task A_broker_that_refuses_the_virtual_host_is_unreachable()
    {
        server.Refusals = 2;

        var connecting = broker.ConnectAsync("publish", Cancel);
        Assert.False(broker.IsConnected);
        await AdvanceUntilAsync(connecting);

        Assert.Equal(3, server.Tries);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    [Fact]
    public async Task Nobody_waits_any_more_for_a_connection_that_was_given_up()
    {
        await ConnectAsync("consume");
        server.Failures = 1;
        using var giveUp = new CancellationTokenSource();
        var publishing = broker.ConnectAsync("publish", giveUp.Token);
        Assert.False(broker.IsConnected);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        Assert.True(broker.IsConnected);
    }

    private async Task<FakeBroker.Connection> ConnectAsync(string use)
    {
        var client = await broker.ConnectAsync(use, Cancel);
        return server.Connections.Single(connection => connection.Client == client);
    }

    private Task<bool> AdvanceUntilAsync(Task ended) =>
        Poll.UntilAsync(
            "the end",
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(ended.IsCompleted);
            },
            done => done
        );
}
