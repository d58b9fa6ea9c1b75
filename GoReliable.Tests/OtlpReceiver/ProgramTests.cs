using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using OpenTelemetry.Exporter;

namespace GoReliable.Tests.OtlpReceiver;

public sealed partial class ProgramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_alone_it_prints_a_line_per_span_and_shows_a_trace_as_text()
    {
        using var program = Start("--grpc-port", "0", "--http-port", "0");
        try
        {
            var ports = Addresses().Match(await NextLineAsync(program));
            var http = new Uri(ports.Groups["http"].Value);
            using var sender = new SdkSender(new Uri(ports.Groups["grpc"].Value), OtlpExportProtocol.Grpc);
            var span = sender.Source.StartActivity("create order")!;
            span.Stop();
            sender.Flush();

            var line = await NextLineAsync(program);
            using var client = new HttpClient { BaseAddress = http };
            var page = await client.GetStringAsync($"traces/{span.TraceId}", Cancel);
            using var unknown = await client.GetAsync($"traces/{ActivityTraceId.CreateRandom()}", Cancel);
            using var malformed = await client.GetAsync("traces/1", Cancel);

            Assert.Contains("create order [INTERNAL shop]", line, StringComparison.Ordinal);
            Assert.EndsWith($"trace {span.TraceId}", line, StringComparison.Ordinal);
            Assert.StartsWith($"trace {span.TraceId}: 1 spans of shop", page, StringComparison.Ordinal);
            Assert.Contains("└─ create order [INTERNAL shop]", page, StringComparison.Ordinal);
            Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.BadRequest), (unknown.StatusCode, malformed.StatusCode));
        }
        finally
        {
            program.Kill();
        }
    }

    [Fact]
    public async Task Help_is_printed_on_request()
    {
        var (exitCode, output, _) = await RunAsync("--help");

        Assert.Equal(0, exitCode);
        Assert.StartsWith("Receives OpenTelemetry", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--grpc-port", "70000")]
    [InlineData("--port", "1")]
    [InlineData("--http-port")]
    public async Task An_option_that_makes_no_sense_prints_the_usage_and_fails(params string[] args)
    {
        var (exitCode, _, error) = await RunAsync(args);

        Assert.Equal(1, exitCode);
        Assert.Contains("--grpc-port N", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_named_and_fails()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var (exitCode, _, error) = await RunAsync("--grpc-port", $"{port}", "--http-port", "0");

        Assert.Equal(1, exitCode);
        Assert.StartsWith($"Cannot listen: Failed to bind to address http://127.0.0.1:{port}", error, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        using var program = Start(args);
        try
        {
            var output = program.StandardOutput.ReadToEndAsync(Cancel);
            var error = program.StandardError.ReadToEndAsync(Cancel);
            await program.WaitForExitAsync(Cancel).WaitAsync(Patience, Cancel);
            return (program.ExitCode, await output, await error);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"'OtlpReceiver {string.Join(' ', args)}' had not ended by itself after {Patience}.");
        }
        finally
        {
            program.Kill(); // Does nothing to one that has ended.
        }
    }

    private static Process Start(params string[] args) => Process.Start(
        new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OtlpReceiver.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static async Task<string> NextLineAsync(Process program)
    {
        try
        {
            return await program.StandardOutput.ReadLineAsync(Cancel).AsTask().WaitAsync(Patience, Cancel)
                ?? throw new InvalidOperationException($"The program ended: {await program.StandardError.ReadToEndAsync(Cancel)}");
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The program printed no further line for {Patience}.");
        }
    }

    [GeneratedRegex("gRPC on (?<grpc>[^,]+), over HTTP on (?<http>[^;]+);")]
    private static partial Regex Addresses();
}
