using System.Diagnostics.Metrics;
using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The gauges of the outbox show no old value.</summary>
[Collection(ServersOnly.Name)]
public sealed class OutboxSamplerTests(ServersOnly servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gauge_whose_sampling_hangs_is_gone_and_comes_back()
    {
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Orders");
        var builder = new NpgsqlDataSourceBuilder(database.ConnectionString);
        DatabaseDefaults.Configure(builder, "orders-db");
        await using var source = builder.Build();
        using var schema = new SchemaUpgrade(
            typeof(OutboxSampler).Assembly,
            source,
            NullLogger<SchemaUpgrade>.Instance,
            TimeProvider.System
        );
        await schema.StartAsync(Cancel);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var time = new FakeTimeProvider();
        using var sampler = new OutboxSampler(
            source,
            schema,
            new Telemetry(services.GetRequiredService<IMeterFactory>()),
            NullLogger<OutboxSampler>.Instance,
            time
        );
        var values = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name == "goreliable.order_service.outbox_pending_messages")
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => values++);
        listener.Start();
        Task UntilAsync(int count) =>
            Poll.UntilAsync(
                $"{count} values of the gauge",
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                    values = 0;
                    listener.RecordObservableInstruments();
                    return Task.FromResult(values);
                },
                found => found == count
            );

        await sampler.StartAsync(Cancel);
        await UntilAsync(1);
        await using (await TableLock.TakeAsync(database.Source, "outbox"))
            await UntilAsync(0);
        await UntilAsync(1);

        await sampler.StopAsync(Cancel);
        await schema.StopAsync(Cancel);
    }
}
