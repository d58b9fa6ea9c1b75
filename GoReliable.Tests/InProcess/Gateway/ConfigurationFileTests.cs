using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What may change while a service runs; the gateway stands for all services.</summary>
public sealed class ConfigurationFileTests : GatewayTest
{
    [Fact]
    public async Task A_mounted_ConfigMap_is_followed_through_its_links()
    {
        // As Kubernetes does it: settings.json -> ..data/settings.json, ..data -> a folder of the day, swapped by a
        // rename.
        Mount("1", """{ "Logging": { "LogLevel": { "GoReliable.Gateway": "Warning" } } }""");
        File.Delete(Settings.Path);
        File.CreateSymbolicLink(Settings.Path, Path.Combine("..data", "settings.json"));
        // The file overrides the environment.
        await using var gateway = await StartAsync(("Logging__LogLevel__GoReliable.Gateway", "Error"));
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
        await Settings.WriteAsync($"{{ {Limit(1)} }}");
        await using var gateway = await StartAsync();
        await AssertLimitedAsync(gateway);

        if (content is null)
            File.Delete(Settings.Path);
        else
            await Settings.WriteAsync(content);
        await gateway.WaitForEventsAsync("settings.unreadable");
        await AssertLimitedAsync(gateway);

        // A second reason is not reported while the first one lasts.
        await Settings.WriteAsync("[]");
        await Settings.WriteAsync($"{{ {Limit(1000)} }}");
        await WaitForNoLimitAsync(gateway);
        Assert.Single(gateway.EventsOf("settings.unreadable"));
    }

    [Fact]
    public async Task An_unknown_log_level_is_reported_and_the_other_settings_are_followed()
    {
        await Settings.WriteAsync($"{{ {Limit(1)} }}");
        await using var gateway = await StartAsync();

        await Settings.WriteAsync(
            $$"""{ {{Limit(1000)}}, "Logging": { "LogLevel": { "GoReliable.Gateway": "Loud" } } }"""
        );

        await WaitForNoLimitAsync(gateway);
        var complaints = await gateway.WaitForEventsAsync("settings.not_followed");
        Assert.Contains("'Loud'", complaints[0].GetProperty("reason").GetString());
    }

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
        Directory.CreateDirectory(Path.Combine(Settings.Folder, version));
        File.WriteAllText(Path.Combine(Settings.Folder, version, "settings.json"), content);
        File.CreateSymbolicLink(Path.Combine(Settings.Folder, "..new"), version);
        // .NET moves no link to a folder over another.
        using var rename = Process.Start(
            "mv",
            ["-T", Path.Combine(Settings.Folder, "..new"), Path.Combine(Settings.Folder, "..data")]
        );
        rename.WaitForExit();
    }
}
