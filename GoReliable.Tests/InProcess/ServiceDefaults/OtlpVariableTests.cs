using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Exporter;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>OpenTelemetry's variables for one signal, where we read them.</summary>
public sealed class OtlpVariableTests
{
    [Theory]
    [InlineData("TRACES")]
    [InlineData("LOGS")]
    public void Each_variable_for_one_signal_is_followed(string signal)
    {
        var otlp = Read(
            signal,
            ("ENDPOINT", "http://collector:4318/own"),
            ("HEADERS", "tenant=edge"),
            ("TIMEOUT", "1500"),
            ("PROTOCOL", "http/protobuf"),
            ("COMPRESSION", "gzip")
        );

        Assert.Equal(new Uri("http://collector:4318/own"), otlp.Endpoint);
        Assert.Equal("tenant=edge", otlp.Headers);
        Assert.Equal(1500, otlp.TimeoutMilliseconds);
        Assert.Equal(OtlpExportProtocol.HttpProtobuf, otlp.Protocol);
        Assert.Equal(OtlpExportCompression.GZip, otlp.Compression);
    }

    [Theory]
    [InlineData("TIMEOUT", "1.5s", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is '1.5s', but must be a number of milliseconds.")]
    [InlineData("PROTOCOL", "http/json", "_LOGS_PROTOCOL is 'http/json', but must be grpc or http/protobuf.")]
    [InlineData("COMPRESSION", "zstd", "_LOGS_COMPRESSION is 'zstd', but must be none or gzip.")]
    public void One_that_cannot_be_read_is_named(string name, string value, string complaint)
    {
        var mistake = Assert.Throws<InvalidSettingException>(() => Read("LOGS", (name, value)));

        Assert.EndsWith(complaint, mistake.Message);
    }

    private static OtlpExporterOptions Read(string signal, params (string Name, string Value)[] variables)
    {
        var otlp = new OtlpExporterOptions();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                variables.Select(variable =>
                    KeyValuePair.Create($"OTEL_EXPORTER_OTLP_{signal}_{variable.Name}", (string?)variable.Value)
                )
            )
            .Build();
        OtlpExporters.Configure(otlp, configuration, signal);
        return otlp;
    }
}
