using System.Collections.Concurrent;

namespace GoReliable.Tests.Platform;

/// <summary>Remembers what its clients are answered.</summary>
internal sealed class Answers : DelegatingHandler
{
    private readonly ConcurrentQueue<string> texts = [];

    public Answers()
        : base(new SocketsHttpHandler()) { }

    public IReadOnlyCollection<string> Texts => texts;

    /// <summary>The same client, remembered.</summary>
    public HttpClient Client(HttpClient like)
    {
        using (like)
            return new HttpClient(this, disposeHandler: false)
            {
                BaseAddress = like.BaseAddress,
                DefaultRequestHeaders = { Authorization = like.DefaultRequestHeaders.Authorization },
            };
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var answer = await base.SendAsync(request, cancellationToken);
        await answer.Content.LoadIntoBufferAsync(cancellationToken);
        texts.Enqueue(
            $"{answer.Headers}{answer.Content.Headers}{await answer.Content.ReadAsStringAsync(cancellationToken)}"
        );
        return answer;
    }
}
