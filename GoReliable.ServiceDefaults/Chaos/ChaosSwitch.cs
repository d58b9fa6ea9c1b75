using System.Diagnostics;
using Polly;
using Polly.Simmy;
using Polly.Simmy.Fault;
using Polly.Simmy.Latency;

namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>
/// A place where faults can be injected, by Polly's chaos strategies. Off, it costs a look at a field.
/// </summary>
public sealed class ChaosSwitch
{
    /// <summary>Attribute of the span in which a fault was injected.</summary>
    private const string Attribute = "goreliable.chaos";

    private readonly Func<Exception> fault;
    private volatile ResiliencePipeline? pipeline;

    /// <param name="fault">Makes the exception that this place would see if the fault were real.</param>
    internal ChaosSwitch(Func<Exception> fault) => this.fault = fault;

    /// <summary>Whether faults are injected.</summary>
    public bool IsOn => pipeline is not null;

    /// <summary>Injects the configured delay or fault: call it right before what it is to disturb.</summary>
    public ValueTask InjectAsync(CancellationToken cancellationToken) =>
        pipeline is { } current
            ? current.ExecuteAsync(static _ => ValueTask.CompletedTask, cancellationToken)
            : ValueTask.CompletedTask;

    /// <summary>Turns it on or off, also while it is in use.</summary>
    internal void Configure(ChaosSetting setting)
    {
        if (!setting.IsOn)
        {
            pipeline = null;
            return;
        }

        var builder = new ResiliencePipelineBuilder();
        if (setting.Latency > TimeSpan.Zero)
            builder.AddChaosLatency(
                new ChaosLatencyStrategyOptions
                {
                    InjectionRate = setting.LatencyRate,
                    Latency = setting.Latency,
                    OnLatencyInjected = _ => Mark(),
                }
            );
        builder.AddChaosFault(
            new ChaosFaultStrategyOptions
            {
                InjectionRate = setting.FaultRate,
                FaultGenerator = _ => new(fault()),
                OnFaultInjected = _ => Mark(),
            }
        );
        pipeline = builder.Build();
    }

    private static ValueTask Mark()
    {
        Activity.Current?.SetTag(Attribute, true);
        return ValueTask.CompletedTask;
    }
}
