using System.Reflection;
using GoReliable.ServiceDefaults.Messaging;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Tests.Lifecycle;

public sealed class BrokerTests
{
    [Fact]
    public async Task A_broker_that_is_away_for_an_hour_is_waited_for_and_logged_once()
    {
        const int Tries = 3600;
        var time = new FakeTimeProvider();
        var events = new LoggedEvents<Broker>();
        var services = new Services(failures: Tries);
        var broker = new Broker(services, events, time);

        var waiting = new[] { broker.ConnectAsync(TestContext.Current.CancellationToken), broker.ConnectAsync(TestContext.Current.CancellationToken) };
        while (!waiting.All(task => task.IsCompleted))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Same(await waiting[0], await waiting[1]);
        Assert.True(broker.IsConnected);
        Assert.True(services.Asked > Tries);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    private sealed class Services(int failures) : IServiceProvider
    {
        private readonly IConnection connection = DispatchProxy.Create<IConnection, Open>();
        private int asked;

        public int Asked => asked;

        public object? GetService(Type serviceType) =>
            Interlocked.Increment(ref asked) > failures ? connection : throw new BrokerUnreachableException(new IOException("Nobody listens."));
    }

    /// <summary>A connection that is open, and no more. Public and not sealed, as a proxy must be.</summary>
    public class Open : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name == $"get_{nameof(IConnection.IsOpen)}" ? true : throw new NotSupportedException(targetMethod.Name);
    }
}
