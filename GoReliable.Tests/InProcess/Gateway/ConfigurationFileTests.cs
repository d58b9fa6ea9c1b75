using System.Diagnostics;
using System.Net;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What may change while a service runs; the gateway stands for all services.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class ConfigurationFileTests : IAsyncLifetime
{
    private const string Quiet = """{ "Logging": { "LogLevel": { "GoReliable.Gateway": "Warning" } } }""";
    private const string Verbose = """{ "Logging": { "LogLevel": { "GoReliable.Gateway": "Information" } } }""";

    private readonly SettingsFile settings = new();
    private Destination orders = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => orders = await Destination.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await orders.DisposeAsync();
        settings.Dispose();
    }

    [Fact]
    public async Task A_mounted_ConfigMap_is_followed_through_its_links()
    {
        // As Kubernetes does it: settings.json -> ..data/settings.json, ..data -> a folder of the day, swapped by a
        // rename.
        Mount("1", Quiet);
        File.CreateSymbolicLink(settings.Path, Path.Combine("..data", "settings.json"));
        await using var gateway = await StartAsync();
        await gateway.Client.GetAsync("/api/v1/orders", Cancel);
        Assert.Equal(0, Requests(gateway));

        Mount("2", Verbose);

        await WaitForLoggedRequestsAsync(gateway);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{ \"RateLimits\": { \"PerAddress\": ")]
    [InlineData("[]")]
    public async Task A_file_that_becomes_unreadable_keeps_its_last_values_with_one_warning(string? content)
    {
        await settings.WriteAsync(Limit(1));
        await using var gateway = await StartAsync();
        Assert.Contains(HttpStatusCode.TooManyRequests, await SendAsync(gateway));

        if (content is null)
            File.Delete(settings.Path);
        else
            await settings.WriteAsync(content);
        await Poll.UntilAsync("the warning", () => Task.FromResult(Warnings(gateway)), count => count > 0);
        Assert.Contains(HttpStatusCode.TooManyRequests, await SendAsync(gateway));

        // Another reason is no other trouble.
        await settings.WriteAsync("{");
        await settings.WriteAsync(Limit(1000));
        await Poll.UntilAsync(
            "thirty requests at once that pass",
            () => SendAsync(gateway),
            answers => answers.All(answer => answer == HttpStatusCode.OK)
        );
        Assert.Equal(1, Warnings(gateway));
    }

    [Fact]
    public async Task An_unknown_log_level_is_reported_and_the_other_settings_are_followed()
    {
        await settings.WriteAsync(Limit(1));
        await using var gateway = await StartAsync();

        await settings.WriteAsync(
            Limit(1000).TrimEnd('}', ' ') + """ } }, "Logging": { "LogLevel": { "GoReliable.Gateway": "Loud" } } }"""
        );

        await Poll.UntilAsync(
            "thirty requests at once that pass",
            () => SendAsync(gateway),
            answers => answers.All(answer => answer == HttpStatusCode.OK)
        );
        await Poll.UntilAsync(
            "the complaint",
            () => Task.FromResult(gateway.Output),
            lines => lines.Any(line => line.Contains("'Loud'", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task An_empty_settings_file_is_reported_at_start_up()
    {
        await settings.WriteAsync("");

        var failure = await Assert.ThrowsAsync<InvalidSettingException>(StartAsync);

        Assert.Contains(
            $"GORELIABLE_CONFIG, '{settings.Path}', cannot be read: ",
            failure.Message,
            StringComparison.Ordinal
        );
    }

    // The level in the environment is the one that the file overrides.
    private Task<InProcessGateway> StartAsync() =>
        InProcessGateway.StartAsync(
            [orders.Address],
            ("GORELIABLE_CONFIG", settings.Path),
            ("Logging__LogLevel__GoReliable.Gateway", "Error")
        );

    private static string Limit(int permits) =>
        $$"""{ "RateLimits": { "PerAddress": { "PermitsPerSecond": {{permits}}, "Burst": {{permits}} } } }""";

    private static async Task<HttpStatusCode[]> SendAsync(InProcessGateway gateway) =>
        await Task.WhenAll(
            Enumerable
                .Range(0, 30)
                .Select(async _ =>
                {
                    using var answer = await gateway.Client.GetAsync("/api/v1/orders", Cancel);
                    return answer.StatusCode;
                })
        );

    private static int Warnings(InProcessGateway gateway) =>
        gateway.Output.Count(line => line.Contains("\"event\":\"settings.unreadable\"", StringComparison.Ordinal));

    private static int Requests(InProcessGateway gateway) =>
        gateway.Output.Count(line => line.Contains("\"event\":\"http.request\"", StringComparison.Ordinal));

    private static Task<int> WaitForLoggedRequestsAsync(InProcessGateway gateway) =>
        Poll.UntilAsync(
            "a logged request",
            async () =>
            {
                await gateway.Client.GetAsync("/api/v1/orders", Cancel);
                return Requests(gateway);
            },
            count => count > 0
        );

    private void Mount(string version, string content)
    {
        Directory.CreateDirectory(Path.Combine(settings.Folder, version));
        File.WriteAllText(Path.Combine(settings.Folder, version, "settings.json"), content);
        File.CreateSymbolicLink(Path.Combine(settings.Folder, "..new"), version);
        // .NET moves no link to a folder over another.
        using var rename = Process.Start(
            "mv",
            ["-T", Path.Combine(settings.Folder, "..new"), Path.Combine(settings.Folder, "..data")]
        );
        rename.WaitForExit();
    }
}
