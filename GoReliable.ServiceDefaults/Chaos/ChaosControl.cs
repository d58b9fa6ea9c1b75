using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>
/// Sets the switches from the configuration, when the service starts and whenever the configuration changes. Whether
/// faults may be injected is settled at the start.
/// </summary>
internal sealed partial class ChaosControl(
    IConfiguration configuration,
    bool isAllowed,
    ChaosSwitches switches,
    ILogger<ChaosControl> logger
) : IHostedService, IDisposable
{
    private readonly Dictionary<string, ChaosSetting> current = [];
    private IDisposable? watch;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Apply();
        watch = ChangeToken.OnChange(configuration.GetReloadToken, Apply);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => watch?.Dispose();

    private void Apply()
    {
        try
        {
            var options = ChaosOptions.Read(configuration, isAllowed);
            Configure("channel", switches.Channel, options.Channel);
            Configure("database", switches.Database, options.Database);
            Configure("http", switches.Http, options.Http);
        }
        catch (Exception refused) when (refused is InvalidSettingException or InvalidOperationException)
        {
            // An options monitor would throw here, in the thread that watches the file, and later in all code that asks
            // it.
            LogRefused(refused.Message);
        }
    }

    private void Configure(string name, ChaosSwitch place, ChaosSetting setting)
    {
        if (setting == current.GetValueOrDefault(name))
            return;
        var wasOn = place.IsOn;
        place.Configure(setting);
        current[name] = setting;
        if (place.IsOn)
            LogEnabled(name, setting.FaultRate, setting.LatencyRate, setting.Latency);
        else if (wasOn)
            LogDisabled(name);
    }

    [LoggerMessage(
        EventName = "chaos.enabled",
        Level = LogLevel.Warning,
        Message = "Chaos in {Place}: a share of {FaultRate} fails, a share of {LatencyRate} is delayed by {Latency}"
    )]
    private partial void LogEnabled(string place, double faultRate, double latencyRate, TimeSpan latency);

    [LoggerMessage(EventName = "chaos.disabled", Level = LogLevel.Warning, Message = "Chaos in {Place} is off")]
    private partial void LogDisabled(string place);

    [LoggerMessage(
        EventName = "chaos.refused",
        Level = LogLevel.Error,
        Message = "The chaos settings cannot be used, the old ones stay: {Reason}"
    )]
    private partial void LogRefused(string reason);
}
