using System.Diagnostics.Metrics;
using GoReliable.Notifications;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.Tests.InProcess.Lifecycle;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class ChannelsTests : IAsyncDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly ChaosSwitches chaos = new();
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public ValueTask DisposeAsync() => services.DisposeAsync();

    [Fact]
    public async Task A_delay_that_was_injected_ends_with_the_time_for_a_delivery()
    {
        chaos.Channel.Configure(new ChaosSetting { Latency = TimeSpan.FromMinutes(1) });

        var delivery = DeliverAsync(_ => Task.CompletedTask);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal("Not delivered within 00:00:10.", (await delivery)!.Summary);
    }

    [Fact]
    public async Task A_defect_is_named_however_late_it_comes()
    {
        var late = new TaskCompletionSource();

        var delivery = DeliverAsync(_ => late.Task);
        time.Advance(TimeSpan.FromSeconds(10));
        late.SetException(new InvalidCastException());

        Assert.Equal("Unexpected InvalidCastException.", (await delivery)!.Summary);
    }

    // Left to its finalizer, it would survive a collection, and make that a long pause.
    [Fact]
    public async Task An_email_is_disposed_of_when_it_was_sent()
    {
        MimeMessage? sent = null;

        await DeliverAsync(email =>
        {
            sent = email;
            return Task.CompletedTask;
        });

        Assert.Throws<ObjectDisposedException>(() =>
            sent!.Body!.WriteTo(Stream.Null, TestContext.Current.CancellationToken)
        );
    }

    private async Task<Failure?> DeliverAsync(Func<MimeMessage, Task> send)
    {
        var channels = new Channels(
            Fake.Of<IMailTransport>(
                (method, arguments) =>
                    method == nameof(IMailTransport.SendAsync) ? send((MimeMessage)arguments[1]!) : true
            ),
            chaos,
            Options.Create(new EmailOptions { From = "orders@shop.example" }),
            Options.Create(new DeliveryOptions()),
            new Telemetry(services.GetRequiredService<IMeterFactory>()),
            time
        );
        return (await channels.DeliverAsync(Events.OrderEvent())).Failure;
    }
}
