using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Options;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>With a wrong setting the gateway does not start, and says which one it is and how it must be.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class GatewaySettingTests
{
    [Theory]
    [InlineData(
        "RateLimits__PerCustomer__Burst",
        "0",
        "RateLimits:PerCustomer: The field Burst must be between 1 and "
    )]
    [InlineData("RateLimits__PerAddress__Burst", "9999", "Burst is 9999, but must be at least 10000, a tenth of ")]
    [InlineData("RateLimits__PerAddress__PermitsPerSecond", "many", "'RateLimits:PerAddress:PermitsPerSecond'")]
    [InlineData("LoadShedding__Concurrency", "-1", "LoadShedding: The field Concurrency must be between 1 and ")]
    [InlineData("LoadShedding__QueueTimeout", "0", "LoadShedding: QueueTimeout is 00:00:00, but must be from ")]
    [InlineData("Resilience__TotalTimeout", "10", "Resilience:TotalTimeout is 10.00:00:00, but must be from ")]
    [InlineData("Resilience__TryTimeout", "3s", "Resilience:TryTimeout is '3s', but must be from ")]
    [InlineData("Resilience__TryTimeout", "00:01:00", "must not be longer than Resilience:TotalTimeout, 00:00:30.")]
    [InlineData("Shutdown__Deadline", "25", "Deadline is 25.00:00:00, but must be from 00:00:01 to 01:00:00 ")]
    [InlineData("Chaos__Http__Latency", "1", "Chaos:Http:Latency is 1.00:00:00, but must be from ")]
    [InlineData("Chaos__Http__Latency", "soon", "'soon' at 'Chaos:Http:Latency'")]
    [InlineData("Chaos__Http__LatencyRate", "-0.1", "Chaos:Http:LatencyRate is -0.1")]
    [InlineData("Chaos__Channel__FaultRate", "1.5", "Chaos:Channel:FaultRate is 1.5, but must be from 0 to 1.")]
    [InlineData("Chaos__Database__FaultRate", "NaN", "Chaos:Database:FaultRate is NaN")]
    [InlineData("Chaos__Chanel__FaultRate", "1", "'Chanel'")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "otel-collector:4317", " is 'otel-collector:4317', but must be a URL ")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "nowhere", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is 'nowhere', ")]
    [InlineData("ForwardedHeaders__KnownProxies__0", "nginx", "'nginx' is neither an IP address nor a network")]
    [InlineData("MANAGEMENT_PORT", "0", "MANAGEMENT_PORT is '0', but must be a port from 1 to 65535.")]
    [InlineData("Kestrel__Endpoints__Public__Url", "localhost", "'localhost' is not a URL to listen on, such as ")]
    [InlineData("GORELIABLE_CONFIG", "/no/such", "GORELIABLE_CONFIG is '/no/such', but there is no such file.")]
    [InlineData("GORELIABLE_CONFIG", "/dev/null", "GORELIABLE_CONFIG, '/dev/null', cannot be read: ")]
    public async Task A_wrong_setting_is_reported_at_start_up(string name, string value, string complaint)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => InProcessGateway.StartAsync([], (name, value)));

        // Each of these ends a process with its message as the only line.
        Assert.True(
            failure
                is InvalidSettingException
                    or OptionsValidationException
                    or InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" },
            $"{failure}"
        );
        Assert.Contains(complaint, failure.Message);
    }
}
