using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The trace of an order that was asked for at the gateway.</summary>
internal static class OrderTrace
{
    /// <summary>Waits for the trace of an answer, until it has the spans of both services and those named.</summary>
    public static Task<SpanTree> TraceAsync(
        this GoReliablePlatform platform,
        HttpResponseMessage response,
        params string[] names
    ) =>
        platform.Telemetry.WaitForTraceAsync(
            Assert.Single(response.Headers.GetValues("X-Trace-Id")),
            ["POST /api/v1/orders", "POST /api/v1/orders", .. names],
            TestContext.Current.CancellationToken
        );

    /// <summary>Asserts that each span is a child of the one before it.</summary>
    public static void AssertWay(this SpanTree trace, params ReceivedSpan[] way)
    {
        for (var i = 1; i < way.Length; i++)
            Assert.True(
                ReferenceEquals(way[i - 1], trace.ParentOf(way[i])),
                $"{way[i].Name} should be a child of {way[i - 1].Name}:\n{trace}"
            );
    }
}
