using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace GoReliable.Tests.LocalAspire;

/// <summary>Forms of resources that the platform's own manifest does not show.</summary>
public sealed class ManifestFormTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("goreliable-manifest-").FullName;

    private string ManifestPath => Path.Combine(_directory, "aspire-manifest.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_container_has_its_arguments_mounts_variables_and_ports() => await PublishesAsync(
        builder =>
        {
            var password = builder.AddParameter("password", secret: true);
            builder.AddContainer("prometheus", "prom/prometheus", "v3.5.0")
                .WithEntrypoint("/bin/prometheus")
                .WithArgs("--config.file=/etc/prometheus.yml")
                .WithBindMount(Path.Combine(_directory, "prometheus.yml"), "/etc/prometheus.yml", isReadOnly: true)
                .WithVolume("/prometheus")
                .WithHttpEndpoint(port: 9090, targetPort: 9090)
                .WithEndpoint(port: 19090, targetPort: 9091, name: "grpc")
                .WithEnvironment("REMOTE", $"https://goreliable:{password:uri}@metrics.example");
        },
        """
        {
          "password": { "type": "parameter.v0", "value": "{password.inputs.value}", "inputs": { "value": { "type": "string", "secret": true } } },
          "prometheus": {
            "type": "container.v0",
            "image": "prom/prometheus:v3.5.0",
            "entrypoint": "/bin/prometheus",
            "args": [ "--config.file=/etc/prometheus.yml" ],
            "bindMounts": [ { "source": "prometheus.yml", "target": "/etc/prometheus.yml", "readOnly": true } ],
            "volumes": [ { "target": "/prometheus", "readOnly": false } ],
            "env": { "REMOTE": "https://goreliable:{password-uri-encoded.value}@metrics.example" },
            "bindings": {
              "http": { "scheme": "http", "protocol": "tcp", "transport": "http", "targetPort": 9090 },
              "grpc": { "scheme": "tcp", "protocol": "tcp", "transport": "tcp", "port": 19090, "targetPort": 9091 }
            }
          },
          "password-uri-encoded": { "type": "annotated.string", "value": "{password.value}", "filter": "uri" }
        }
        """);

    [Fact]
    public async Task An_executable_has_its_command_and_a_port_of_its_own() => await PublishesAsync(
        builder => builder.AddExecutable("tool", "node", _directory, "tool.js").WithHttpEndpoint(env: "PORT"),
        """
        {
          "tool": {
            "type": "executable.v0",
            "workingDirectory": ".",
            "command": "node",
            "args": [ "tool.js" ],
            "env": { "PORT": "{tool.bindings.http.targetPort}" },
            "bindings": { "http": { "scheme": "http", "protocol": "tcp", "transport": "http", "targetPort": 8000 } }
          }
        }
        """);

    [Fact]
    public async Task A_parameter_has_its_published_default_or_the_rules_to_generate_one() => await PublishesAsync(
        builder =>
        {
            builder.AddParameter("region", "eu", publishValueAsDefault: true);
            builder.AddParameter("key", new GenerateParameterDefault { MinLength = 40, Special = false, MinNumeric = 4 }, secret: true);
        },
        """
        {
          "region": { "type": "parameter.v0", "value": "{region.inputs.value}", "inputs": { "value": { "type": "string", "default": { "value": "eu" } } } },
          "key": {
            "type": "parameter.v0",
            "value": "{key.inputs.value}",
            "inputs": { "value": { "type": "string", "secret": true, "default": { "generate": { "minLength": 40, "special": false, "minNumeric": 4 } } } }
          }
        }
        """);

    private async Task PublishesAsync(Action<IDistributedApplicationBuilder> describe, string resources)
    {
        var builder = DistributedApplication.CreateBuilder(["--publisher", "manifest", "--output-path", ManifestPath]);
        describe(builder);

        await builder.Build().RunAsync(TestContext.Current.CancellationToken);

        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(ManifestPath, TestContext.Current.CancellationToken))!;
        Assert.Equal(JsonNode.Parse(resources)!.ToJsonString(), manifest["resources"]!.ToJsonString());
    }
}
