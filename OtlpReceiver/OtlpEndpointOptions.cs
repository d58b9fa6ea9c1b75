namespace OtlpReceiver;

/// <summary>How an <see cref="OtlpEndpoint"/> listens and how much it remembers.</summary>
public sealed record OtlpEndpointOptions
{
    /// <summary>The port for OTLP over gRPC; 0 takes a free one.</summary>
    public int GrpcPort { get; init; }

    /// <summary>The port for OTLP over HTTP; 0 takes a free one.</summary>
    public int HttpPort { get; init; }

    /// <summary>How many spans, how many log records and how many metric series are kept; the oldest go first.</summary>
    public int Capacity { get; init; } = 20_000;

    /// <summary>How long a wait lasts before it fails and says what there is.</summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where a line is written for every span and log record that comes in; null writes none.</summary>
    public TextWriter? Output { get; init; }
}

/// <summary>How many were dropped so far to stay within <see cref="OtlpEndpointOptions.Capacity"/>.</summary>
public readonly record struct DroppedCounts(long Spans, long Logs, long Series);
