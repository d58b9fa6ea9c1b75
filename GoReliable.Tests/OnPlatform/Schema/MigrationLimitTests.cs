using System.Net;
using System.Net.Sockets;
using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What a migration does not do: wait for ever, open a port, call the broker.</summary>
[Collection(ServersOnly.Name)]
public sealed class MigrationLimitTests(ServersOnly shared)
{
    [Fact]
    public async Task A_wrong_timeout_is_refused()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration["Migration:Timeout"] = "2min";

        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(builder.MigrateAsync);

        Assert.Equal(
            "Migration:Timeout is '2min', but must be from 00:00:01 to 01:00:00 "
                + "(hours:minutes:seconds; a number alone means days).",
            refusal.Message
        );
    }

    [Fact]
    public async Task Without_a_database_migration_gives_up_and_says_why_in_one_line()
    {
        var nobody = ServiceProcess.FreePort();

        var migration = await Migration.RunAsync(
            "Orders",
            $"Host=127.0.0.1;Port={nobody};Database=none;Username=none;Password=none",
            ("Migration__Timeout", "00:00:02")
        );

        Assert.Equal(1, migration.ExitCode);
        var end = Assert.Single(migration.Events("schema.given_up"));
        Assert.Equal("ERROR", end.GetProperty("severity").GetString());
        Assert.Equal(
            $"Schema could not be upgraded within 00:00:02: Failed to connect to 127.0.0.1:{nobody}",
            end.GetProperty("message").GetString()
        );
        // The only other line says at once what it waits for.
        Assert.Single(migration.Events("schema.unavailable"));
        Assert.Equal(2, migration.Output.Count);
    }

    [Fact]
    public async Task Migration_opens_no_port_and_calls_no_broker()
    {
        var database = await EmptyDatabase.CreateAsync(shared.Platform);
        using var port = Listen();
        using var managementPort = Listen();
        using var broker = Listen();

        // A server would fail here, on ports that are taken.
        var migration = await Migration.RunAsync(
            "Notifications",
            database,
            ("ASPNETCORE_URLS", $"http://{port.LocalEndpoint}"),
            ("MANAGEMENT_PORT", $"{((IPEndPoint)managementPort.LocalEndpoint).Port}"),
            ("ConnectionStrings__messaging", $"amqp://guest:guest@{broker.LocalEndpoint}")
        );

        Assert.Equal(Migration.Scripts("Notifications"), migration.Applied());
        Assert.False(broker.Pending());
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }
}
