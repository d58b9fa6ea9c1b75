using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace GoReliable.Tests.LocalAspire;

/// <summary>Prometheus runs as a local program, with the files that its container would see.</summary>
public sealed class ContainerTests
{
    [Fact]
    public async Task Prometheus_runs_with_generated_files_and_bind_mounts()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prometheus"), "Prometheus is not installed.");

        var rules = Directory.CreateTempSubdirectory().FullName;
        await File.WriteAllTextAsync(Path.Combine(rules, "one.yml"), "groups: [{ name: from the mount, rules: [{ record: one, expr: vector(1) }] }]", TestContext.Current.CancellationToken);
        await using var application = await SmallApp.StartAsync(builder => builder.AddContainer("prometheus", "prom/prometheus", "v3.5.0")
            .WithHttpEndpoint(targetPort: 9090)
            .WithHttpHealthCheck("/-/ready")
            .WithBindMount(rules, "/etc/prometheus/rules", isReadOnly: true)
            .WithContainerFiles("/etc/prometheus", (_, _) => Task.FromResult<IEnumerable<ContainerFileSystemItem>>(
                [new ContainerFile { Name = "prometheus.yml", Contents = "rule_files: [rules/*.yml]" }])));
        await application.WaitForHealthyAsync("prometheus");

        using var client = application.CreateHttpClient("prometheus");
        var answer = await client.GetFromJsonAsync<JsonElement>("/api/v1/rules", TestContext.Current.CancellationToken);

        Assert.Equal("from the mount", answer.GetProperty("data").GetProperty("groups")[0].GetProperty("name").GetString());
        Directory.Delete(rules, recursive: true);
    }
}
