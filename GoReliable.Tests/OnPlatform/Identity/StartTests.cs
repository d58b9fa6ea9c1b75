using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>Outside Development no service starts without somebody to trust.</summary>
public sealed class StartTests
{
    private const string Authority = "Authentication__Schemes__Bearer__Authority";
    private const string Key = "Authentication__Schemes__Bearer__SigningKeys__0__Value";

    public static MatrixTheoryData<string, string> Services { get; } =
        new(["Gateway", "Orders", "Notifications"], ["Production", "Staging"]);

    [Theory, MemberData(nameof(Services))]
    public async Task Without_an_authority_a_service_says_so_in_one_line_and_ends(string service, string environment) =>
        await AssertRefusedAsync(service, environment, "Authentication:Schemes:Bearer:Authority is not set: ");

    [Theory, MemberData(nameof(Services))]
    public async Task With_an_authority_without_https_a_service_says_so_and_ends(string service, string environment) =>
        await AssertRefusedAsync(
            service,
            environment,
            "Authentication:Schemes:Bearer:Authority is 'http://id.example', ",
            (Authority, "http://id.example")
        );

    [Theory, MemberData(nameof(Services))]
    public async Task With_a_development_key_a_service_says_so_and_ends(string service, string environment) =>
        await AssertRefusedAsync(
            service,
            environment,
            "Authentication:Schemes:Bearer:SigningKeys are for Development only",
            (Authority, "https://id.example"),
            (Key, "c2VjcmV0")
        );

    private static async Task AssertRefusedAsync(
        string service,
        string environment,
        string reason,
        params (string Name, string Value)[] settings
    )
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, $"GoReliable.{service}.dll")]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_ENVIRONMENT"] = environment,
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ServiceProcess.FreePort()}",
                ["MANAGEMENT_PORT"] = $"{ServiceProcess.FreePort()}",
                ["ConnectionStrings__orders-db"] = "Host=nowhere.invalid",
                ["ConnectionStrings__notifications-db"] = "Host=nowhere.invalid",
                ["ConnectionStrings__messaging"] = "amqp://nowhere.invalid",
            },
        };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await process
                .WaitForExitAsync(TestContext.Current.CancellationToken)
                .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
        finally
        {
            process.Kill();
        }

        Assert.StartsWith(reason, await error, StringComparison.Ordinal);
        Assert.Single((await error).TrimEnd().Split('\n'));
        Assert.Equal("", await output);
        Assert.Equal(1, process.ExitCode);
    }
}
