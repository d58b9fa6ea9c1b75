using System.Diagnostics;
using System.Net;
using GoReliable.Database.Erasure;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Management;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;
using static GoReliable.Tests.OnPlatform.BadInput.BadValues;

namespace GoReliable.Tests.OnPlatform.Erasure;

/// <summary>Who may erase a customer, by which words, and what is said about it.</summary>
[Collection(SharedPlatform.Name)]
public sealed class EraseCommandTests(SharedPlatform shared)
{
    private const string Path = "/customers/erase";

    private readonly GoReliablePlatform platform = shared.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Erasing_again_finds_what_was_under_way_the_first_time()
    {
        var (alice, begun) = ($"alice-{Guid.NewGuid():n}", DateTimeOffset.UtcNow);
        await DeliverAsync(alice);
        Assert.Equal(1, await EraseAsync());

        // The broker had another one.
        await DeliverAsync(alice);

        Assert.Equal(1, await EraseAsync());
        Assert.Equal(0, await EraseAsync());
        var logs = await Poll.UntilAsync(
            "three erasures in the log",
            () => Task.FromResult(platform.Telemetry.Logs().Where(log => log.Service == "notifications").ToList()),
            logs => logs.Count(log => log.EventName == "customer.erased" && log.Time > begun) == 3
        );
        Assert.DoesNotContain(logs, log => TextOf(log).Contains(alice, StringComparison.Ordinal));

        async Task<long> EraseAsync()
        {
            var (_, output, _) = await RunAsync("notifications", $"{alice} --json --yes");
            return ApiAnswers.Parse<ListAnswer<ErasedAnswer>>(output).Items[0].Count;
        }
    }

    [Fact]
    public async Task Erasing_asks_first()
    {
        var alice = $"alice-{Guid.NewGuid():n}";
        Assert.Equal(
            (1, "", $"Erase all personal data of {alice} in orders for good? [y/N] Nothing was erased.\n"),
            await RunAsync("orders", alice, answer: "n\n")
        );
    }

    [Fact]
    public async Task Erasing_logs_the_operator_but_not_the_customer()
    {
        // A customer may begin like an option.
        var (alice, begun) = ($"-alice-{Guid.NewGuid():n}", DateTimeOffset.UtcNow);
        Assert.Equal(0, (await RunAsync("orders", $"-- {alice}", answer: "y\n")).ExitCode);

        var log = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "customer.erased" && log.Service == "orders" && log.Time > begun,
            Cancel
        );
        Assert.DoesNotContain(alice, TextOf(log), StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{12}$", $"{log["Operator"]}");
        Assert.Matches("^[0-9]+ orders, [0-9]+ events in the outbox, [0-9]+ idempotency keys$", $"{log["Items"]}");
    }

    // As arguments they would be in the audit log of the cluster.
    [Fact]
    public async Task Token_and_customer_are_read_from_the_input()
    {
        using var management = platform.Management("orders");
        var (token, alice) = (platform.Tokens.Issue("olga", Scopes.NotificationsOperate), $"alice-{Guid.NewGuid():n}");

        var (exitCode, output, error) = await CommandAsync(
            "orders",
            $"- --token - --url {management.BaseAddress}",
            $"{token}\n{alice}\ny\n"
        );

        Assert.Equal(0, exitCode);
        Assert.StartsWith("orders: 0 orders", output, StringComparison.Ordinal);
        Assert.Equal($"Erase all personal data of {alice} in orders for good? [y/N] ", error);
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("notifications")]
    public async Task Erasing_needs_the_scope(string service)
    {
        using var nobody = platform.Management(service);
        await (await nobody.SendJsonAsync("POST", Path, """{"customer":"alice"}""")).AssertProblemAsync(
            HttpStatusCode.Unauthorized
        );
        nobody.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("alice");
        await (await nobody.SendJsonAsync("POST", Path, """{"customer":"alice"}""")).AssertProblemAsync(
            HttpStatusCode.Forbidden
        );
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("notifications")]
    public Task Erasing_works_only_on_the_management_port(string service) =>
        platform.AssertNotPublicAsync(service, "POST", Path);

    public static TheoryData<string> BadRequests { get; } =
    [
        "",
        """{"customer":"erased customer"}""",
        .. Words("""{ {} [] null {"customer":null} {"customer":""} {"customer":1} {"customer":["alice"]}"""),
        .. Words("""{"customer":"alice\u0000"} {"customer":"\ud800"} {"customer":"älice"}"""),
        .. Words("""{"customer":"alice","customer":"bob"} {"customer":"alice","all":true}"""),
    ];

    [Theory, MemberData(nameof(BadRequests))]
    public async Task A_bad_request_is_answered_with_a_problem(string body)
    {
        foreach (var service in new[] { "orders", "notifications" })
        {
            using var client = platform.Management(service);
            client.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("olga", Scopes.NotificationsOperate);
            await (await client.SendJsonAsync("POST", Path, body)).AssertProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [InlineData("", "Name the customer to erase.")]
    [InlineData("-", "- is for a line of the input, which has none.")]
    [InlineData("alice --token -", "- is for a line of the input, which has none.")]
    [InlineData("alice bob", "One customer at a time.")]
    [InlineData("-alice", "There is no option '-alice'.")]
    [InlineData("alice -- -bob", "One customer at a time.")]
    [InlineData("--", "-- needs a value.")]
    [InlineData("alice --url", "--url needs a value.")]
    [InlineData("alice --url localhost", "'localhost' is not an address such as http://localhost:9102.")]
    [InlineData("alice --all", "There is no option '--all'.")]
    public async Task Misuse_is_explained(string arguments, string explained) =>
        Assert.Equal((2, "", $"{explained} See erase --help.\n"), await CommandAsync("orders", arguments));

    [Fact]
    public async Task A_missing_token_or_scope_is_explained()
    {
        var unknown = await RunAsync("orders", "alice --yes", scopes: null);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("--token, or GORELIABLE_TOKEN", unknown.Error, StringComparison.Ordinal);
        Assert.Contains(
            "lacks the scope notifications:operate",
            (await RunAsync("orders", "alice --yes", TokenIssuer.CustomerScopes)).Error,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("alice", "")]
    [InlineData("- --token -", "alice\ntoken\n")]
    public async Task The_script_asks_both_services(string arguments, string input)
    {
        var url = $"http://127.0.0.1:{ServiceProcess.FreePort()}";

        var (exitCode, error) = await ScriptAsync($"{arguments} --yes --url {url}", input);

        Assert.Equal(1, exitCode);
        Assert.Matches("(?s)^orders: .*refused.*notifications: .*refused", error);
    }

    [Fact]
    public async Task The_script_explains_misuse_once() =>
        Assert.Equal((2, "There is no option '--all'. See erase --help.\n"), await ScriptAsync("--all"));

    private static async Task<(int ExitCode, string Error)> ScriptAsync(string arguments, string input = "")
    {
        using var script = Process.Start(
            new ProcessStartInfo(
                "bash",
                [System.IO.Path.Combine(AppHostRun.Repository, "erase"), .. arguments.Split(' ')]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
            }
        )!;
        await script.StandardInput.WriteAsync(input);
        script.StandardInput.Close();
        var error = await script.StandardError.ReadToEndAsync(Cancel);
        await script.WaitForExitAsync(Cancel);
        return (script.ExitCode, error);
    }

    private static string TextOf(OtlpReceiver.ReceivedLog log) =>
        $"{log.Body} {string.Join(' ', log.Attributes.Values)}";

    private async Task DeliverAsync(string customer)
    {
        var message = await TestEvent.PublishAsync(platform, mark: customer);
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == message.TraceId,
            Cancel
        );
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string service,
        string arguments,
        string? scopes = Scopes.NotificationsOperate,
        string answer = ""
    )
    {
        using var management = platform.Management(service);
        var token = scopes is null ? "" : $" --token {platform.Tokens.Issue("olga", scopes)}";
        return await CommandAsync(service, $"{arguments} --url {management.BaseAddress}{token}", answer);
    }

    private static async Task<(int ExitCode, string Output, string Error)> CommandAsync(
        string service,
        string arguments,
        string answer = ""
    )
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await EraseCommand.RunAsync(
            service,
            9102,
            arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            new Terminal(new StringReader(answer), output, error)
        );
        return (exitCode, output.ToString(), error.ToString().ReplaceLineEndings("\n"));
    }
}
