using GoReliable.Notifications.DeadLetters;
using GoReliable.ServiceDefaults.Management;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Notifications;

/// <summary>What the operator's command says about answers that no worker would give.</summary>
public sealed class OddAnswerTests
{
    [Theory]
    [InlineData(200, "text/html", "<html>Welcome</html>", "answered 200, but no JSON")]
    [InlineData(200, "application/json", "<html>Welcome</html>", "answered 200, but no JSON")]
    [InlineData(200, "application/json; charset=unknown", "{}", "answered 200, but no JSON")]
    [InlineData(502, "application/problem+json", "<html>Bad gateway</html>", "answered 502")]
    public async Task An_answer_that_is_not_JSON_is_named(int status, string type, string body, string answered)
    {
        await using var other = await Destination.StartAsync(context =>
        {
            (context.Response.StatusCode, context.Response.ContentType) = (status, type);
            return context.Response.WriteAsync(body);
        });

        var (exitCode, output, error) = await RunAsync("list", "--url", $"{other.Address}");

        Assert.Equal((1, ""), (exitCode, output));
        var start = other.Address.GetLeftPart(UriPartial.Authority);
        Assert.Equal($"{start} {answered}. Is it the service's management port?\n", error);
    }

    [Theory]
    [InlineData("redrive", "1 redriven, 2 not.\n")]
    [InlineData("discard --yes", "1 discarded, 2 not.\n")]
    public async Task What_was_done_before_an_error_is_reported_and_the_rest_is_left(string verb, string report)
    {
        var come = 0;
        await using var worker = await Destination.StartAsync(context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref come) == 1 ? 204 : 503;
            return Task.CompletedTask;
        });
        var ids = Enumerable.Range(0, 3).Select(_ => $"{Guid.NewGuid()}");

        var (exitCode, output, error) = await RunAsync([.. verb.Split(' '), .. ids, "--url", $"{worker.Address}"]);

        Assert.Equal((1, report), (exitCode, output));
        Assert.Contains("answered 503", error);
        Assert.Equal(2, worker.Requests.Count);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = await DeadLetterCommand.RunAsync(arguments, new Terminal(TextReader.Null, output, error));
        return (exitCode, output.ToString(), error.ToString());
    }
}
