using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>Outside Development no service starts without somebody to trust.</summary>
public sealed class StartTests
{
    private const string Bearer = "Authentication:Schemes:Bearer";

    public static TheoryData<string> Environments => ["Production", "Staging"];

    [Theory]
    [InlineData("Gateway")]
    [InlineData("Orders")]
    [InlineData("Notifications")]
    public async Task Without_an_authority_a_service_says_so_in_one_line_and_ends(string service)
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(
            service,
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__orders-db", "Host=nowhere.invalid"),
            ("ConnectionStrings__notifications-db", "Host=nowhere.invalid"),
            ("ConnectionStrings__messaging", "amqp://nowhere.invalid")
        );

        Assert.StartsWith($"{Bearer}:Authority is not set: ", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n'));
        Assert.Equal(1, exitCode);
    }

    [Theory, MemberData(nameof(Environments))]
    public void No_authority_is_refused(string environment) =>
        AssertRefused(environment, $"{Bearer}:Authority is not set: ");

    [Theory, MemberData(nameof(Environments))]
    public void An_authority_without_https_is_refused(string environment) =>
        AssertRefused(
            environment,
            $"{Bearer}:Authority is 'http://id.example', ",
            ($"{Bearer}:Authority", "http://id.example")
        );

    [Theory, MemberData(nameof(Environments))]
    public void A_development_key_is_refused(string environment) =>
        AssertRefused(
            environment,
            $"{Bearer}:SigningKeys are for Development only",
            ($"{Bearer}:Authority", "https://id.example"),
            ($"{Bearer}:SigningKeys:0:Value", "c2VjcmV0")
        );

    private static void AssertRefused(string environment, string reason, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { EnvironmentName = environment });
        foreach (var (name, value) in settings)
            builder.Configuration[name] = value;

        var refusal = Assert.Throws<InvalidSettingException>(builder.AddIdentity);

        Assert.StartsWith(reason, refusal.Message, StringComparison.Ordinal);
    }
}
