using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>Outside Development no service starts without somebody to trust.</summary>
public sealed class StartTests
{
    private const string Bearer = "Authentication:Schemes:Bearer";

    // One service for all: those that do not add identity in this way let nobody in, and AuthorizationTests fail.
    [Fact]
    public async Task Without_an_authority_a_service_says_so_in_one_line_and_ends()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync("Gateway", ("ASPNETCORE_ENVIRONMENT", "Production"));

        Assert.StartsWith($"{Bearer}:Authority is not set: ", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n'));
        Assert.Equal(1, exitCode);
    }

    [Theory]
    [InlineData("Authority is not set: ", null, null)]
    [InlineData("Authority is 'http://id.example', ", "http://id.example", null)]
    [InlineData("SigningKeys are for Development only", "https://id.example", "c2VjcmV0")]
    public void A_setting_that_is_good_in_Development_only_is_refused(string reason, string? authority, string? key)
    {
        foreach (var environment in new[] { "Production", "Staging" })
        {
            var builder = WebApplication.CreateEmptyBuilder(new() { EnvironmentName = environment });
            builder.Configuration[$"{Bearer}:Authority"] = authority;
            if (key is not null)
                builder.Configuration[$"{Bearer}:SigningKeys:0:Value"] = key;

            var refusal = Assert.Throws<InvalidSettingException>(builder.AddIdentity);

            Assert.StartsWith($"{Bearer}:{reason}", refusal.Message, StringComparison.Ordinal);
        }
    }
}
