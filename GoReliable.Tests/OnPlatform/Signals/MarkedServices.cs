using System.Globalization;
using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using Npgsql;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>
/// The three services, which log at every level and know secrets, with wires to their database and their broker.
/// </summary>
internal sealed class MarkedServices(ServersOnly servers) : IAsyncDisposable
{
    /// <summary>The marker in all customer data.</summary>
    public const string Person = "m4rk3d";

    private const string Secret = "s3cr3t";

    // How every JSON object begins in Base64, and so every token.
    private const string EncodedToken = "eyJ";

    private readonly (int Database, int Broker) ports = (ServiceProcess.FreePort(), ServiceProcess.FreePort());
    private readonly List<TcpProxy> wires = [];
    private NpgsqlConnectionStringBuilder postgres = null!;
    private UriBuilder rabbit = null!;

    /// <summary>What nobody may be told.</summary>
    public string[] Secrets =>
        [
            Secret,
            EncodedToken,
            GatewayProcess.SigningKey,
            postgres.Password!,
            rabbit.Password,
            Uri.UnescapeDataString(rabbit.Password),
        ];

    public OtlpEndpoint Telemetry { get; private set; } = null!;

    /// <summary>Refuses the password until it is told otherwise.</summary>
    public MailServer Mail { get; } = new() { TakesPasswords = false };

    /// <summary>By name.</summary>
    public Dictionary<string, ServiceProcess> All { get; } = [];

    /// <summary>Starts the services, with nobody where their database and their broker should be.</summary>
    public async Task StartAsync()
    {
        postgres = new(await servers.Platform.ConnectionStringAsync("orders-db"));
        rabbit = new(await servers.Platform.ConnectionStringAsync("messaging"));
        Telemetry = await OtlpEndpoint.StartAsync(TestContext.Current.CancellationToken);
        var settings = new List<(string, string)>(GatewayProcess.WithSigningKey)
        {
            ("OTEL_EXPORTER_OTLP_ENDPOINT", Telemetry.GrpcEndpoint.OriginalString),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
            ("Logging__LogLevel__Default", "Trace"),
            ("Logging__LogLevel__Microsoft.AspNetCore", "Trace"),
            ("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("Logging__LogLevel__Npgsql", "Trace"),
            ("Logging__LogLevel__Yarp", "Trace"),
            ("Logging__OpenTelemetry__LogLevel__Default", "Trace"),
            ("Email__From", "shop@example.com"),
            ("Email__Smtp__Host", "127.0.0.1"),
            ("Email__Smtp__Port", Mail.Port.ToString(CultureInfo.InvariantCulture)),
            ("Email__Smtp__Security", "None"),
            ("Email__Smtp__User", $"{Secret}-user"),
            ("Email__Smtp__Password", $"{Secret}-of-smtp"),
            (
                "ConnectionStrings__messaging",
                new UriBuilder(rabbit.Uri) { Host = "127.0.0.1", Port = ports.Broker }
                    .Uri
                    .AbsoluteUri
            ),
        };
        foreach (var service in new[] { "Orders", "Notifications" })
        {
            await using var database = await OwnDatabase.CreateAsync(servers.Platform, service);
            var behindWire = new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                Host = "127.0.0.1",
                Port = ports.Database,
            };
            settings.Add(($"ConnectionStrings__{service.ToLowerInvariant()}-db", behindWire.ConnectionString));
            All[service.ToLowerInvariant()] = await ServiceProcess.StartAsync(service, [.. settings]);
        }
        settings.Add(("services__notifications__http__0", $"{All["notifications"].Client.BaseAddress}"));
        // Without their database the services are asked again for as long as this.
        settings.AddRange([("Resilience__TotalTimeout", "00:00:10"), ("Resilience__TryTimeout", "00:00:10")]);
        All["gateway"] = await ServiceProcess.StartAsync(
            "Gateway",
            GatewayProcess.Settings([All["orders"].Client.BaseAddress!], [.. settings])
        );
    }

    public void ConnectDatabase() => wires.Add(new(ports.Database, new(postgres.Host!, postgres.Port)));

    public void ConnectBroker() => wires.Add(new(ports.Broker, new(rabbit.Host, rabbit.Port)));

    /// <summary>All connections end, and new ones are refused.</summary>
    public async Task DisconnectAsync()
    {
        foreach (var wire in wires)
            await wire.DisposeAsync();
        wires.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in All.Values)
            await service.DisposeAsync();
        await DisconnectAsync();
        await Mail.DisposeAsync();
        await Telemetry.DisposeAsync();
        // Nothing is left for the workers of other tests.
        await using var connection = await servers.Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync();
        foreach (var queue in new[] { OrderTopology.Queue, OrderTopology.DeadQueue })
            await channel.QueuePurgeAsync(queue);
    }
}
