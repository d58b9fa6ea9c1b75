using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What is remembered for a time is forgotten after it, a little at a time and by an index.</summary>
[Collection(ServersOnly.Name)]
public sealed class ExpiryTests(ServersOnly shared)
{
    private const string OldInbox = "now() - interval '8 days'";

    [Fact]
    public async Task A_run_ends_although_more_becomes_too_old_meanwhile()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.FillAsync("inbox", OldInbox, 2500);
        await database.FillAsync("inbox", "now() - interval '6 days'", 10);
        var expiry = Inboxes(database, new DaysTime());

        Assert.Equal(2500, await expiry.RemoveAsync(TestContext.Current.CancellationToken));
        Assert.Equal(10, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
    }

    [Theory]
    [InlineData("orders", "idempotency_keys", 3653)]
    [InlineData("notifications", "inbox", 365)]
    [InlineData("dead_letters", "inbox", 90)]
    [InlineData("inbox", "notifications", 7)]
    public async Task Rows_are_kept_for_their_retention_and_no_longer(string table, string other, int days)
    {
        await using var database = await OwnDatabase.CreateAsync(
            shared.Platform,
            table == "orders" ? "Orders" : "Notifications"
        );
        await database.FillAsync(table, $"now() - interval '{days} days 1 hour'", 2500);
        await database.FillAsync(table, $"now() - interval '{days} days' + interval '1 hour'", 10);
        await database.FillAsync(other, "now() - interval '1 hour'", 10);

        var (sql, retention) = table switch
        {
            "orders" => (OrderOptions.Expire, new OrderOptions().Retention),
            "notifications" => (NotificationOptions.Expire, new NotificationOptions().Retention),
            "dead_letters" => (DeadLetterOptions.Expire, new DeadLetterOptions().Retention),
            _ => (Inbox.Expire, new InboxOptions().Retention),
        };
        await database.ExecuteAsync(sql.Replace("$1", $"(now() - interval '{days} days')", StringComparison.Ordinal));
        Assert.Equal(1510, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(1500, await Expiry(database, sql, retention).RemoveAsync(TestContext.Current.CancellationToken));
        Assert.Equal(10, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(10, await database.ScalarAsync<long>($"SELECT count(*) FROM {other}"));
    }

    [Theory]
    [InlineData("Notifications", "Notifications notifications", "DeadLetters dead_letters", "Inbox inbox")]
    [InlineData("Orders", "Orders orders")]
    public async Task A_service_keeps_rows_for_the_retention_that_is_set(string name, params string[] sections)
    {
        var settings = sections.Select(section => section.Split(' ')).ToDictionary(pair => pair[1], pair => pair[0]);
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, name);
        foreach (var table in settings.Keys)
        {
            foreach (var days in new[] { 20, 30, 40, 50 })
                await database.FillAsync(table, $"now() - interval '{days} days'", 1);
        }

        await using var service = await ServiceProcess.StartAsync(
            name,
            [
                ("ConnectionStrings__orders-db", database.ConnectionString),
                ("ConnectionStrings__notifications-db", database.ConnectionString),
                ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{ServiceProcess.FreePort()}"),
                ("Authentication__Schemes__Bearer__SigningKeys__0__Value", TokenIssuer.NewKey()),
                ("Email__From", "shop@example.com"),
                ("Email__Smtp__Host", "127.0.0.1"),
                .. settings.Values.Select(section => ($"{section}__Retention", "35.00:00:00")),
            ]
        );

        var expired = await Poll.UntilAsync(
            "each table's old rows gone",
            () => Task.FromResult(service.Events("rows.expired")),
            events => events.Count == settings.Count
        );
        Assert.Equal(
            settings.Keys.Select(table => (table, 2)).Order(),
            expired.Select(one => (one.GetProperty("table").GetString()!, one.GetProperty("count").GetInt32())).Order()
        );
        foreach (var table in settings.Keys)
            Assert.Equal(2, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
    }

    [Fact]
    public async Task A_retention_that_becomes_impossible_while_a_service_runs_stays_as_it_was()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder
            .Services.AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton(database.Source)
            .AddSingleton(service => ActivatorUtilities.CreateInstance<SchemaUpgrade>(service, typeof(Inbox).Assembly))
            .AddSettings<InboxOptions>(InboxOptions.Section);
        builder.AddExpiry<InboxOptions>("inbox", Inbox.Expire, options => options.Retention);
        await using var services = builder.Services.BuildServiceProvider();
        services.GetRequiredService<IStartupValidator>().Validate();
        var expiry = services.GetServices<IHostedService>().OfType<ExpiredRows>().Single();
        Assert.Equal(0, await expiry.RemoveAsync(TestContext.Current.CancellationToken));

        await database.FillAsync("inbox", OldInbox, 10);
        builder.Configuration["Inbox:Retention"] = "0";
        Assert.Throws<AggregateException>(((IConfigurationRoot)builder.Configuration).Reload);

        Assert.Equal(10, await expiry.RemoveAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Replicas_share_the_work_and_do_not_wait_for_each_other()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.FillAsync("inbox", OldInbox, 2500);
        // Somebody holds one of them, and does not let go.
        await using var other = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM inbox LIMIT 1 FOR UPDATE", other, transaction);
        await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var removed = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => Inboxes(database).RemoveAsync(TestContext.Current.CancellationToken))
        );

        Assert.Equal(2499, removed.Sum());
    }

    private static ExpiredRows Inboxes(OwnDatabase database, TimeProvider? time = null) =>
        Expiry(database, Inbox.Expire, new InboxOptions().Retention, time);

    // The schema is only asked when it runs by itself.
    private static ExpiredRows Expiry(
        OwnDatabase database,
        string sql,
        TimeSpan retention,
        TimeProvider? time = null
    ) =>
        new(
            "rows",
            sql,
            () => retention,
            database.Source,
            schema: null!,
            NullLogger<ExpiredRows>.Instance,
            time ?? TimeProvider.System
        );

    // A day has passed each time somebody looks.
    private sealed class DaysTime : TimeProvider
    {
        private int days;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddDays(days++);
    }
}
