using GoReliable.Database;
using GoReliable.Messaging;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

/// <summary>
/// A setting with which a service must not start is one sentence and the end, before anything listens.
/// </summary>
public sealed class SettingTests
{
    private const string Database = "It must be pairs such as Host=db;Username=orders;Password=…;Database=orders-db, ";
    private const string Broker = "It must be a URL such as amqp://user:password@host:5672/virtual-host, or amqps, ";

    // What a mistake must not show.
    private const string Secret = "s3cret";

    [Fact]
    public async Task Several_mistakes_are_a_line_each()
    {
        (string Name, string Value, string Sentence)[] wrong =
        [
            ("Inbox__Retention", "3600", "Retention is 3600.00:00:00, but must be from 01:00:00 to 365.00:00:00"),
            (
                "Notifications__Retention",
                "36526",
                "Retention is 36526.00:00:00, but must be from 1.00:00:00 to 36525.0"
            ),
            ("DeadLetters__Retention", "0", "Retention is 00:00:00, but must be from 1.00:00:00 to 36525.00:00:00"),
            ("Delivery__Timeout", "10", "Timeout is 10.00:00:00, but must be from 00:00:00.1000000 to 00:04:00"),
        ];

        var output = await RefusedAsync("Notifications", [.. wrong.Select(setting => (setting.Name, setting.Value))]);

        Assert.Equal(wrong.Length, output.Length);
        Assert.All(wrong, setting =>
            Assert.Single(output, line => line.Contains(setting.Sentence, StringComparison.Ordinal))
        );
        Assert.All(output, line => Assert.Contains("a number alone means days", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        "Notifications",
        "Retry__Delays__0",
        "1",
        "Retry:Delays:0 is 1.00:00:00, but must be from 00:00:00.001"
    )]
    [InlineData("Notifications", "Delivery__Timeout", "10s", "'10s' at 'Delivery:Timeout'")]
    [InlineData("Orders", "ConnectionStrings__orders-db", "postgres://orders:s3cret@db/orders-db", Database)]
    public async Task A_value_that_cannot_be_used_is_one_line(
        string service,
        string name,
        string value,
        string sentence
    ) => Assert.Contains(sentence, Assert.Single(await RefusedAsync(service, (name, value))), StringComparison.Ordinal);

    [Theory]
    [InlineData("86400", "60.00:00:00", "Retention is 86400.00:00:00, but must be from 00:01:00 to 365.00:00:00 ")]
    [InlineData("01:00:00", "7", "Retention is 7.00:00:00, but must be from 30.00:00:00 to 36525.00:00:00 ")]
    [InlineData("39.12:00:00", "40.00:00:00", "Orders:Retention must be a day longer than Idempotency:Retention")]
    public void An_order_is_kept_for_longer_than_the_key_that_made_it(string key, string order, string sentence)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration["Idempotency:Retention"] = key;
        builder.Configuration["Orders:Retention"] = order;
        builder.AddOrdering();
        using var services = builder.Services.BuildServiceProvider();

        var refusal = Assert.Throws<OptionsValidationException>(() =>
            services.GetRequiredService<IOptions<OrderOptions>>().Value
        );

        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is not set. ")]
    [InlineData("postgresql://orders:s3cret@db/orders-db")]
    [InlineData("Host= ;Username=orders;Password=s3cret;Database=orders-db")]
    [InlineData("Username=orders;Password=s3cret;Database=orders-db")]
    [InlineData("Host=db;Username=orders;Password=a;s3cret=b;Database=orders-db")]
    [InlineData("Host=db;Port=s3cret")]
    public void A_database_string_that_cannot_be_read_is_named_without_its_password(
        string value,
        string mistake = "cannot be read. "
    ) =>
        AssertRefused("orders-db", value, mistake + Database, builder =>
            builder.AddDatabase("orders-db", typeof(SettingTests).Assembly)
        );

    [Theory]
    [InlineData("", "is not set. ")]
    [InlineData("amqp://orders:1#s3cret@broker:5672")]
    [InlineData("amqp://orders:1/s3cret@broker:5672")]
    [InlineData("amqp://orders:#s3cret@broker:5672")]
    [InlineData("amqp://orders:s3cret@:5672")]
    [InlineData("amqp:///s3cret")]
    [InlineData("http://orders:s3cret@broker:5672")]
    [InlineData("Host=broker;Password=s3cret")]
    public void A_broker_string_that_cannot_be_read_is_named_without_its_password(
        string value,
        string mistake = "cannot be read. "
    ) => AssertRefused("messaging", value, mistake + Broker, builder => builder.AddBroker("messaging"));

    private static void AssertRefused(
        string name,
        string value,
        string mistake,
        Func<WebApplicationBuilder, WebApplicationBuilder> add
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration[$"ConnectionStrings:{name}"] = value;

        var refusal = Assert.Throws<InvalidSettingException>(() => add(builder));

        Assert.StartsWith($"ConnectionStrings__{name} {mistake}", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>What it wrote before its end, beside what the host may log.</summary>
    private static async Task<string[]> RefusedAsync(string service, params (string, string)[] settings)
    {
        var nobody = ServiceProcess.FreePort();

        var (exitCode, output) = await ServiceProcess.RunAsync(
            service,
            [
                ("ConnectionStrings__orders-db", $"Host=127.0.0.1;Port={nobody}"),
                ("ConnectionStrings__notifications-db", $"Host=127.0.0.1;Port={nobody}"),
                ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{nobody}"),
                ("Email__From", "shop@example.com"),
                ("Email__Smtp__Host", "127.0.0.1"),
                .. settings,
            ]
        );

        Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
        return [.. output.Split('\n').Where(line => !line.StartsWith('{'))];
    }
}
