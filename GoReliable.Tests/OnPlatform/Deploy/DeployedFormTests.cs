using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.OnPlatform.Identity;
using GoReliable.Tests.Platform;
using k8s.Models;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The services as they are deployed, as far as processes can be what containers are, on real servers.
/// </summary>
[Collection(ServersOnly.Name)]
public sealed partial class DeployedFormTests(ServersOnly servers)
{
    private const string Password = "letters0and1digits";

    [Fact]
    public async Task An_order_goes_through_the_services_as_they_are_deployed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Images are for Linux.");
        var overlay = await Overlay.BuildAsync("prod");
        await using var built = await BuiltServices.CopyAsync();
        var platform = servers.Platform;
        var postgres = await CreateDatabasesAsync(overlay, await platform.ConnectionStringAsync("orders-db"));
        await using var provider = new FakeProvider();
        await provider.StartAsync();
        await using var mail = new MailServer();
        var ports = Overlay.Services.ToDictionary(
            service => service,
            _ => (Http: ServiceProcess.FreePort(), Management: ServiceProcess.FreePort())
        );
        var secrets = new Dictionary<string, string>
        {
            ["orders-db/password"] = Password,
            ["notifications-db/password"] = Password,
            ["messaging-default-user/connection_string"] = await platform.ConnectionStringAsync("messaging"),
        };
        // What is elsewhere than in the cluster, and nothing else.
        var elsewhere = new Dictionary<string, string>
        {
            ["Authentication__Schemes__Bearer__Authority"] = provider.Authority,
            ["SSL_CERT_FILE"] = provider.CertificateFile,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = platform.Telemetry.GrpcEndpoint.OriginalString,
            ["Email__Smtp__Host"] = "127.0.0.1",
            ["Email__Smtp__Port"] = mail.Port.ToString(CultureInfo.InvariantCulture),
            ["Email__Smtp__Security"] = "None",
            ["services__orders__http__0"] = $"http://127.0.0.1:{ports["orders"].Http}",
            ["services__notifications__http__0"] = $"http://127.0.0.1:{ports["notifications"].Http}",
        };
        var running = new List<(DeployedService Service, TimeSpan Grace)>();
        try
        {
            foreach (var pod in overlay.Pods.OrderBy(pod => pod.Containers.Single().Name == "gateway"))
            {
                var container = pod.Containers.Single();
                var (http, management) = ports[container.Name];
                var name = char.ToUpperInvariant(container.Name[0]) + container.Name[1..];
                DeployedService Start(V1Container one)
                {
                    var environment = Resolve(overlay, one, secrets, postgres);
                    foreach (var (variable, value) in elsewhere)
                        environment[variable] = value;
                    (environment["HTTP_PORTS"], environment["MANAGEMENT_PORT"]) = ($"{http}", $"{management}");
                    return DeployedService.Start(built.Folder(name), name, pod, one, environment);
                }

                foreach (var preparation in pod.InitContainers ?? [])
                {
                    await using var first = Start(preparation);
                    Assert.True(await first.WaitForExitAsync(TimeSpan.FromMinutes(2)) == 0, $"{first}");
                }
                var service = Start(container);
                running.Add((service, TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value)));
                await service.WaitUntilReadyAsync(management, container.ReadinessProbe.HttpGet.Path);
            }

            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports["gateway"].Http}") };
            client.DefaultRequestHeaders.Authorization = provider.Tokens.Bearer("alice");
            var order = await client.CreateAsync("alice@example.com");

            Assert.Single(await client.WaitForNotificationsAsync(order));
            Assert.Equal("RCPT TO:<alice@example.com>", Assert.Single(mail.Received).Recipient);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{exception.Message}\n{string.Join('\n', running.Select(one => one.Service))}",
                exception
            );
        }
        finally
        {
            running.Reverse();
            foreach (var (service, grace) in running)
            {
                await using (service)
                    Assert.Equal(0, await service.StopAsync(grace));
            }
        }
    }

    // As the operator of PostgreSQL does: a user for each service, and a database that is his.
    private static async Task<NpgsqlConnectionStringBuilder> CreateDatabasesAsync(
        Overlay overlay,
        string connectionString
    )
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString) { Database = "postgres" };
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        var cluster = overlay.Objects.Custom<PostgresClusterSpec>().Single().Spec;
        var databases = overlay
            .Objects.Custom<PostgresDatabaseSpec>()
            .Select(database => (database.Spec.Name, database.Spec.Owner))
            .Append((Name: cluster.Bootstrap.Initdb.Database, cluster.Bootstrap.Initdb.Owner));
        foreach (var (name, owner) in databases)
        {
            await source.RunAsync($"DROP DATABASE \"{name}\" WITH (FORCE)");
            await source.RunAsync($"CREATE ROLE \"{owner}\" LOGIN PASSWORD '{Password}'");
            await source.RunAsync($"CREATE DATABASE \"{name}\" OWNER \"{owner}\"");
        }
        return server;
    }

    // What the kubelet makes of a container's variables; then the database is where it is, and without TLS.
    private static Dictionary<string, string> Resolve(
        Overlay overlay,
        V1Container container,
        Dictionary<string, string> secrets,
        NpgsqlConnectionStringBuilder postgres
    )
    {
        var environment = new Dictionary<string, string>();
        foreach (
            var (name, value) in overlay
                .EnvironmentOf(container)
                .ExceptBy(container.Env.Select(variable => variable.Name), variable => variable.Key)
        )
            environment[name] = value!;
        foreach (var variable in container.Env)
        {
            var value = variable switch
            {
                { ValueFrom.SecretKeyRef: { } secret } => secrets.GetValueOrDefault($"{secret.Name}/{secret.Key}"),
                { ValueFrom.FieldRef: { } field } => $"{container.Name}-{field.FieldPath}",
                _ => Reference.Replace(variable.Value, reference => environment[reference.Groups["name"].Value]),
            };
            if (value is not null)
                environment[variable.Name] = value;
            else
                Assert.True(variable.ValueFrom.SecretKeyRef.Optional, variable.Name);
        }
        foreach (
            var (name, value) in environment
                .Where(variable => variable.Key.EndsWith("-db", StringComparison.Ordinal))
                .ToArray()
        )
            environment[name] = new DbConnectionStringBuilder
            {
                ConnectionString = value,
                ["Host"] = postgres.Host,
                ["Port"] = postgres.Port,
                ["SSL Mode"] = "Disable",
            }.ConnectionString;
        return environment;
    }

    [GeneratedRegex(@"\$\((?<name>\w+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Reference { get; }
}
