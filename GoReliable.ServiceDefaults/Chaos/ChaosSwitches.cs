using System.Data.Common;

namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>Every place where faults can be injected. How to use them: docs/chaos.md.</summary>
public sealed class ChaosSwitches
{
    private const string Text = "Chaos: this failure was injected.";

    /// <summary>Deliveries to customers.</summary>
    public ChaosSwitch Channel { get; } = new(() => new ChaosException(Text));

    /// <summary>Work with the database: fails like a connection that broke.</summary>
    public ChaosSwitch Database { get; } = new(() => new BrokenConnectionException(Text));

    /// <summary>Outgoing HTTP calls: fail as if no connection came about.</summary>
    public ChaosSwitch Http { get; } = new(() => new HttpRequestException(HttpRequestError.ConnectionError, Text));

    private sealed class ChaosException(string message) : Exception(message);

    private sealed class BrokenConnectionException(string message) : DbException(message)
    {
        public override bool IsTransient => true;
    }
}
