using FsCheck;
using FsCheck.Fluent;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// Whatever is sent, the answer is a good one or a problem document with 4xx, and only a good one is stored. A failure
/// names the input, and a seed with which <see cref="Config.WithReplay(Microsoft.FSharp.Core.FSharpOption{Replay})"/>
/// sends it again.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class PropertyTests(SharedPlatform shared)
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(900).WithQuietOnSuccess(true);

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task Any_request_gets_a_proper_answer()
    {
        var watch = await Watch.BeginAsync(platform);
        var (sent, stored) = (0, 0);
        Uri[] services = [Address("gateway"), Address("orders"), Address("notifications")];
        // FsCheck calls and waits; not on a thread of xunit's, which has few.
        await Task.Run(
            () =>
                Prop.ForAll(Inputs.Request.ToArbitrary(), request =>
                    {
                        var answers = Array.ConvertAll(services, service => Send(service, request));
                        sent++;
                        // An order, and its key.
                        var rows = request.Contains("Idempotency-Key", StringComparison.Ordinal) ? 2 : 1;
                        stored += rows * answers.Count(answer => answer is { Status: 201 });
                        return Array
                            .TrueForAll(answers, answer => IsGood(answer, atGateway: answers[0]))
                            .Label($"{request}\nwas answered with {string.Join(", ", answers)}");
                    })
                    .Check(Thorough),
            TestContext.Current.CancellationToken
        );
        await watch.EndAsync(stored, sent);
    }

    private Uri Address(string service)
    {
        using var api = platform.Client(service, customer: null);
        return api.BaseAddress!;
    }

    private RawAnswer? Send(Uri service, string request)
    {
        // A new customer for each request: no rate limit is reached, and no key is used twice.
        var token = platform.Tokens.Issue($"mallory-{Guid.NewGuid():N}");
        var answer = RawConnection
            .ExchangeAsync(service, request.Replace("{token}", token, StringComparison.Ordinal))
            .GetAwaiter()
            .GetResult();
        return RawConnection.Answers(answer) is [var one] ? one : null;
    }

    // Kestrel itself answers input that is not an HTTP request, without a body. At the gateway our responses differ
    // from Kestrel's own.
    private static bool IsGood(RawAnswer? answer, RawAnswer? atGateway) =>
        answer is { Status: 200 or 201 }
        || (
            answer is { Status: >= 400 and < 500 }
            && (answer.IsProblem || (answer.IsBare && atGateway is { IsBare: true }))
        );
}
