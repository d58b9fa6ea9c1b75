namespace OtlpReceiver;

/// <summary>The two options of the program.</summary>
internal static class CommandLine
{
    public const string Usage = """
        Receives OpenTelemetry traces, logs and metrics on 127.0.0.1 and prints a line per span and log record.

          dotnet run --project OtlpReceiver [-- --grpc-port N] [--http-port N]

          --grpc-port N   OTLP over gRPC (default 4317; 0 takes a free port)
          --http-port N   OTLP over HTTP with protobuf bodies (default 4318; 0 takes a free port)
          --help          this text

        GET /traces/<trace id> on the HTTP port shows a trace with its log records.
        """;

    /// <returns>Null when the arguments ask for help or make no sense.</returns>
    public static OtlpEndpointOptions? Parse(ReadOnlySpan<string> args)
    {
        var options = new OtlpEndpointOptions { GrpcPort = 4317, HttpPort = 4318 };
        while (args is [var option, var value, .. var rest])
        {
            if (!ushort.TryParse(value, out var port))
            {
                return null;
            }

            switch (option)
            {
                case "--grpc-port":
                    options = options with { GrpcPort = port };
                    break;
                case "--http-port":
                    options = options with { HttpPort = port };
                    break;
                default:
                    return null;
            }

            args = rest;
        }

        return args.IsEmpty ? options : null;
    }
}
