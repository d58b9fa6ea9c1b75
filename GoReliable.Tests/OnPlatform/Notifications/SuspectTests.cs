using GoReliable.Messaging;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.Tests.OnPlatform.Lifecycle;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Only the end of the process counts against a message, and nothing that the database does.</summary>
[Collection(ServersOnly.Name)]
public sealed class SuspectTests(ServersOnly servers)
{
    // As many times as a message may end the worker, and one more.
    private const string RefuseFourTimes = """
        CREATE SEQUENCE refused;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('refused') <= 4 THEN RAISE EXCEPTION 'cancelled' USING ERRCODE = 'query_canceled'; END IF;
            RETURN coalesce(NEW, OLD);
        END $$;
        """;

    [Theory]
    [InlineData("BEFORE INSERT")]
    [InlineData("BEFORE DELETE")]
    public async Task A_database_that_cancels_statements_does_not_count_as_the_end_of_the_worker(string when)
    {
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Notifications");
        await database.ExecuteAsync(
            $"{RefuseFourTimes} CREATE TRIGGER refuse {when} ON suspects FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        var message = Suspect();

        await ReadAsync(database, message, TestContext.Current.CancellationToken);

        Assert.NotNull(message.Event);
        Assert.Null(message.Failure);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM suspects"));
    }

    [Fact]
    public async Task A_session_that_ends_after_a_message_was_recorded_does_not_count_as_the_end_of_the_worker()
    {
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Notifications");
        await database.ExecuteAsync(
            $"{RefuseFourTimes} CREATE TRIGGER refuse BEFORE DELETE ON suspects FOR EACH ROW EXECUTE FUNCTION refuse()"
        );

        await ReadAsync(database, Suspect(), giveUp: new CancellationToken(canceled: true));

        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM suspects"));
    }

    [Fact]
    public async Task A_message_that_ended_the_worker_three_times_is_not_read()
    {
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Notifications");
        // As if each worker had ended before it removed its record.
        await database.ExecuteAsync("CREATE RULE keep AS ON DELETE TO suspects DO INSTEAD NOTHING");
        Message message;
        for (var deaths = 0; deaths < 3; deaths++)
        {
            await ReadAsync(database, message = Suspect(), TestContext.Current.CancellationToken);
            Assert.NotNull(message.Event);
        }

        await ReadAsync(database, message = Suspect(), TestContext.Current.CancellationToken);

        Assert.Null(message.Event);
        Assert.Equal(Failure.Fatal, message.Failure?.Reason);
    }

    [Fact]
    public async Task A_suspect_does_not_hold_up_messages_that_came_before_it()
    {
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Notifications");
        await Odd.EmptyQueueAsync(servers.Platform);
        var before = Enumerable.Range(0, 50).Select(_ => Odd.Event(Guid.CreateVersion7()));
        await Odd.PublishAllAsync(servers.Platform, OrderTopology.Queue, before);
        await Odd.PublishAsync(
            servers.Platform,
            OrderTopology.Queue,
            Odd.Event(Guid.CreateVersion7()),
            (MessageHeaders.DeliveryCount, Message.SuspectAfterRedeliveries)
        );
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var blocking = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var take = new NpgsqlCommand("LOCK TABLE suspects", connection))
            await take.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        await using var worker = await WorkerProcess.StartAsync(servers.Platform, database);

        await NotifiedAsync(50);
        await blocking.RollbackAsync(TestContext.Current.CancellationToken);
        await NotifiedAsync(51);

        Task<long> NotifiedAsync(int expected) =>
            Poll.UntilAsync(
                $"{expected} notifications",
                () => database.ScalarAsync<long>("SELECT count(*) FROM notifications"),
                count => count == expected
            );
    }

    private static Message Suspect() =>
        Events.Message(
            new Dictionary<string, object?> { [MessageHeaders.DeliveryCount] = Message.SuspectAfterRedeliveries }
        );

    private static async Task ReadAsync(OwnDatabase database, Message message, CancellationToken giveUp)
    {
        using var drain = new Drain(
            new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance),
            Options.Create(new ShutdownOptions()),
            NullLogger<Drain>.Instance,
            TimeProvider.System
        );
        var channels = new Channels(
            mail: null!,
            chaos: null!,
            Options.Create(new EmailOptions { From = "orders@shop.example" }),
            Options.Create(new DeliveryOptions()),
            telemetry: null!,
            TimeProvider.System
        );
        var retry = new DatabaseRetry(database.Source, NullLogger<DatabaseRetry>.Instance, new QuickTime());
        await new Suspects(database.Source, retry, channels, drain, NullLogger<Suspects>.Instance).ReadAsync(
            message,
            giveUp
        );
    }
}
