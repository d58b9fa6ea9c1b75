namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>
/// Disturbs outgoing HTTP calls. It sits inside the handler that retries them, so that a retry may be disturbed as
/// well.
/// </summary>
public sealed class ChaosHandler(ChaosSwitches switches) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    ) =>
        switches.Http.IsOn
            ? InjectAndSendAsync(request, cancellationToken)
            : base.SendAsync(request, cancellationToken);

    private async Task<HttpResponseMessage> InjectAndSendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        await switches.Http.InjectAsync(cancellationToken);
        return await base.SendAsync(request, cancellationToken);
    }
}
