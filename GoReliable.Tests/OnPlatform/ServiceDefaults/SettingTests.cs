using GoReliable.Database;
using GoReliable.Messaging;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

/// <summary>
/// A setting with which a service must not start is one sentence and the end, before anything listens.
/// </summary>
public sealed class SettingTests
{
    private const string Days = "(hours:minutes:seconds; a number alone means days)";

    private const string Database =
        "It must be pairs such as Host=db;Username=orders;Password=…;Database=orders-db, with a host, "
        + "and a value with ; or = or ' in "
        + "double quotes. A postgres:// URL is not understood.";

    private const string Broker =
        "It must be a URL such as amqp://user:password@host:5672/virtual-host, or amqps, with a host. "
        + "In user, password and virtual host "
        + "every character but letters, digits, - . _ and ~ must be encoded, # as %23.";

    // What a mistake must not show.
    private const string Secret = "s3cret";

    [Theory]
    [InlineData(
        "Gateway",
        "Shutdown__Deadline",
        "25",
        "Deadline is 25.00:00:00, but must be from 00:00:01 to 01:00:00 " + Days + "."
    )]
    [InlineData(
        "Gateway",
        "Chaos__Http__Latency",
        "1",
        "Chaos:Http:Latency is 1.00:00:00, but must be from 00:00:00 to 00:01:00 " + Days + "."
    )]
    [InlineData(
        "Orders",
        "Idempotency__Retention",
        "86400",
        "Retention is 86400.00:00:00, but must be from 00:01:00 to 365.00:00:00 " + Days + "."
    )]
    [InlineData(
        "Orders",
        "Orders__Retention",
        "7",
        "Retention is 7.00:00:00, but must be from 30.00:00:00 to 36525.00:00:00 " + Days + "."
    )]
    [InlineData(
        "Notifications",
        "Retry__Delays__0",
        "1",
        "Retry:Delays:0 is 1.00:00:00, but must be from 00:00:00.0010000 to 12:00:00 " + Days + "."
    )]
    [InlineData("Notifications", "Delivery__Timeout", "10s", "'10s' at 'Delivery:Timeout'")]
    public Task A_number_alone_is_no_duration(string service, string name, string value, string sentence) =>
        AssertRefusedAsync(service, name, value, sentence);

    [Fact]
    public async Task Several_mistakes_are_a_line_each()
    {
        var output = await RefusedAsync(
            "Notifications",
            ("Inbox__Retention", "3600"),
            ("Notifications__Retention", "36526"),
            ("DeadLetters__Retention", "00:00:30"),
            ("Delivery__Timeout", "10")
        );

        var sentences = new[]
        {
            "Retention is 3600.00:00:00, but must be from 01:00:00 to 365.00:00:00",
            "Retention is 36526.00:00:00, but must be from 1.00:00:00 to 36525.00:00:00",
            "Retention is 00:00:30, but must be from 1.00:00:00 to 36525.00:00:00",
            "Timeout is 10.00:00:00, but must be from 00:00:00.1000000 to 00:05:00",
        };
        Assert.Equal(sentences.Length, output.Length);
        Assert.All(sentences, sentence =>
            Assert.Single(output, line => line.Contains($"{sentence} {Days}.", StringComparison.Ordinal))
        );
    }

    [Fact]
    public Task An_order_is_kept_for_longer_than_the_key_that_made_it() =>
        AssertRefusedAsync(
            "Orders",
            "Orders__Retention",
            "40.00:00:00",
            "Orders:Retention must be a day longer than Idempotency:Retention, or more.",
            ("Idempotency__Retention", "39.12:00:00")
        );

    [Fact]
    public Task A_connection_string_that_cannot_be_read_is_one_line_without_its_password() =>
        AssertRefusedAsync(
            "Orders",
            "ConnectionStrings__orders-db",
            "postgres://orders:s3cret@db/orders-db",
            $"ConnectionStrings__orders-db cannot be read. {Database}"
        );

    [Theory]
    [InlineData("postgresql://orders:s3cret@db/orders-db")]
    [InlineData("Host= ;Username=orders;Password=s3cret;Database=orders-db")]
    [InlineData("Host=;Username=orders;Password=s3cret;Database=orders-db")]
    [InlineData("Username=orders;Password=s3cret;Database=orders-db")]
    [InlineData("Host=db;Username=orders;Password=a;s3cret=b;Database=orders-db")]
    [InlineData("Host=db;Port=s3cret")]
    public void A_database_string_that_cannot_be_read_is_named_without_its_password(string value) =>
        AssertUnreadable(
            "orders-db",
            value,
            builder => builder.AddDatabase("orders-db", typeof(SettingTests).Assembly),
            Database
        );

    [Theory]
    [InlineData("amqp://orders:1#s3cret@broker:5672")]
    [InlineData("amqp://orders:1/s3cret@broker:5672")]
    [InlineData("amqp://orders:1?s3cret@broker:5672")]
    [InlineData("amqp://orders:#s3cret@broker:5672")]
    [InlineData("amqp://orders:s3cret@:5672")]
    [InlineData("amqp:///s3cret")]
    [InlineData("http://orders:s3cret@broker:5672")]
    [InlineData("Host=broker;Password=s3cret")]
    public void A_broker_string_that_cannot_be_read_is_named_without_its_password(string value) =>
        AssertUnreadable("messaging", value, builder => builder.AddBroker("messaging"), Broker);

    [Theory]
    [InlineData("Orders", "ConnectionStrings__orders-db", Database)]
    [InlineData("Orders", "ConnectionStrings__messaging", Broker)]
    [InlineData("Notifications", "ConnectionStrings__notifications-db", Database)]
    [InlineData("Notifications", "ConnectionStrings__messaging", Broker)]
    public Task A_missing_connection_string_is_named(string service, string name, string sentence) =>
        AssertRefusedAsync(service, name, "", $"{name} is not set. {sentence}");

    [Theory]
    [InlineData("MANAGEMENT_PORT", "0", "MANAGEMENT_PORT is '0', but must be a port from 1 to 65535.")]
    [InlineData(
        "Kestrel__Endpoints__Public__Url",
        "localhost",
        "'localhost' is not a URL to listen on, such as http://*:8080."
    )]
    [InlineData(
        "GORELIABLE_CONFIG",
        "/nowhere/settings.json",
        "GORELIABLE_CONFIG is '/nowhere/settings.json', but there is no such file."
    )]
    public Task A_wrong_URL_port_or_settings_file_is_named(string name, string value, string sentence) =>
        AssertRefusedAsync("Gateway", name, value, sentence);

    private static void AssertUnreadable(
        string name,
        string value,
        Func<WebApplicationBuilder, WebApplicationBuilder> add,
        string form
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration[$"ConnectionStrings:{name}"] = value;

        var refusal = Assert.Throws<InvalidSettingException>(() => add(builder));

        Assert.Equal($"ConnectionStrings__{name} cannot be read. {form}", refusal.Message);
    }

    private static async Task AssertRefusedAsync(
        string service,
        string name,
        string value,
        string sentence,
        params (string, string)[] others
    ) =>
        Assert.Contains(
            sentence,
            Assert.Single(await RefusedAsync(service, [.. others, (name, value)])),
            StringComparison.Ordinal
        );

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
