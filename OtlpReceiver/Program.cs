using System.Runtime.InteropServices;
using OtlpReceiver;

if (CommandLine.Parse(args) is not { } command)
{
    var isHelp = args is ["--help"] or ["-h"];
    (isHelp ? Console.Out : Console.Error).WriteLine(CommandLine.Usage);
    return isHelp ? 0 : 1;
}

try
{
    var stop = new TaskCompletionSource();
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

    await using var otlp = await OtlpEndpoint.StartAsync(command with { Output = Console.Out }, CancellationToken.None);
    Console.WriteLine($"OTLP over gRPC on {otlp.GrpcEndpoint}, over HTTP on {otlp.HttpEndpoint}; a trace as text: {otlp.HttpEndpoint}traces/<id>");
    await stop.Task;
    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }
}
catch (IOException e)
{
    Console.Error.WriteLine($"Cannot listen: {e.Message}");
    return 1;
}
