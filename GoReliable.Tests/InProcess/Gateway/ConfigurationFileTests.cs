using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What may change while a service runs; the gateway stands for all services.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class ConfigurationFileTests : IAsyncLifetime
{
    private readonly SettingsFile settings = new();
    private Destination orders = null!;

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
        Mount("1", """{ "Logging": { "LogLevel": { "GoReliable.Gateway": "Warning" } } }""");
        File.CreateSymbolicLink(settings.Path, Path.Combine("..data", "settings.json"));
        await using var gateway = await StartAsync();
        await gateway.ListAsync();
        Assert.Empty(gateway.EventsOf("http.request"));

        Mount("2", """{ "Logging": { "LogLevel": { "GoReliable.Gateway": "Information" } } }""");

        await Poll.UntilAsync(
            "a logged request",
            async () =>
            {
                await gateway.ListAsync();
                return gateway.EventsOf("http.request").Count;
            },
            count => count > 0
        );
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{ \"RateLimits\": { \"PerAddress\": ")]
    public async Task A_file_that_becomes_unreadable_keeps_its_last_values_with_one_warning(string? content)
    {
        await settings.WriteAsync($"{{ {Limit(1)} }}");
        await using var gateway = await StartAsync();
        await AssertLimitedAsync(gateway);

        if (content is null)
            File.Delete(settings.Path);
        else
            await settings.WriteAsync(content);
        await gateway.WaitForEventsAsync("settings.unreadable");
        await AssertLimitedAsync(gateway);

        // Another reason is no other trouble.
        await settings.WriteAsync("[]");
        await settings.WriteAsync($"{{ {Limit(1000)} }}");
        await WaitForNoLimitAsync(gateway);
        Assert.Single(gateway.EventsOf("settings.unreadable"));
    }

    [Fact]
    public async Task An_unknown_log_level_is_reported_and_the_other_settings_are_followed()
    {
        await settings.WriteAsync($"{{ {Limit(1)} }}");
        await using var gateway = await StartAsync();

        await settings.WriteAsync(
            $$"""{ {{Limit(1000)}}, "Logging": { "LogLevel": { "GoReliable.Gateway": "Loud" } } }"""
        );

        await WaitForNoLimitAsync(gateway);
        var complaints = await gateway.WaitForEventsAsync("settings.not_followed");
        Assert.Contains("'Loud'", complaints[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    // The level in the environment is the one that the file overrides.
    private Task<InProcessGateway> StartAsync() =>
        InProcessGateway.StartAsync(
            [orders.Address],
            ("GORELIABLE_CONFIG", settings.Path),
            ("Logging__LogLevel__GoReliable.Gateway", "Error")
        );

    private static string Limit(int permits) =>
        $$"""
            "RateLimits": { "PerAddress": { "PermitsPerSecond": {{permits}}, "Burst": {{permits}} } }
            """;

    private static async Task AssertLimitedAsync(InProcessGateway gateway) =>
        Assert.Contains(await gateway.ListAsync(times: 30), answer =>
            answer.StatusCode == HttpStatusCode.TooManyRequests
        );

    private static Task<HttpResponseMessage[]> WaitForNoLimitAsync(InProcessGateway gateway) =>
        Poll.UntilAsync(
            "thirty requests at once that pass",
            () => gateway.ListAsync(times: 30),
            answers => answers.All(answer => answer.StatusCode == HttpStatusCode.OK)
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
