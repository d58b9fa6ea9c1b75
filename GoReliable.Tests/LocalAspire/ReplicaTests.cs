using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace GoReliable.Tests.LocalAspire;

/// <summary>Without a proxy in front of them, replicas have ports of their own, and clients are told of each.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task Each_replica_listens_on_its_own_ports()
    {
        await using var application = await SmallApp.StartAsync(builder => builder.AddProject<Projects.GoReliable_Gateway>("web")
            .WithHttpEndpoint(name: "management", env: "MANAGEMENT_PORT")
            .WithHttpHealthCheck("/health/live", endpointName: "management")
            .WithReplicas(2));

        var replicas = new Dictionary<string, CustomResourceSnapshot>();
        await application.WaitForAsync("web", change =>
        {
            if (change.Snapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy)
                replicas[change.ResourceId] = change.Snapshot;

            return replicas.Count == 2;
        });

        var urls = replicas.Values.SelectMany(replica => replica.Urls).Select(url => url.Url).ToArray();
        Assert.Equal(4, urls.Distinct().Count());
        Assert.Equal(2, replicas.Values.Select(replica => replica.Properties.Single(p => p.Name == "executable.pid").Value).Distinct().Count());
    }

    [Fact]
    public async Task A_reference_injects_every_replica_of_every_endpoint()
    {
        var file = Path.GetTempFileName();
        await using var application = await SmallApp.StartAsync(builder =>
        {
            var web = builder.AddProject<Projects.GoReliable_Gateway>("the-web").WithHttpEndpoint(name: "management", env: "MANAGEMENT_PORT").WithReplicas(2).WithExplicitStart();
            builder.AddExecutable("client", "cp", "/tmp", "/proc/self/environ", file).WithReference(web);
        });

        await application.WaitForAsync("client", KnownResourceStates.Finished);

        var variables = (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Split('\0').Select(variable => variable.Split('=', 2)).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1]);
        var http = application.GetEndpoint("the-web", "http").ToString().TrimEnd('/');
        Assert.Equal(http, variables["services__the-web__http__0"]);
        Assert.Equal(http, variables["THE_WEB_HTTP"]);
        var services = variables.Where(v => v.Key.StartsWith("services__the-web__", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["http__0", "http__1", "management__0", "management__1"], services.Select(v => v.Key["services__the-web__".Length..]).Order(StringComparer.Ordinal));
        Assert.Equal(4, services.Select(v => v.Value).Distinct().Count());
        File.Delete(file);
    }
}
