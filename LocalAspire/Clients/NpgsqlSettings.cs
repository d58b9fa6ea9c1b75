namespace Aspire.Npgsql;

/// <summary>Settings of the PostgreSQL client, bound from <c>Aspire:Npgsql</c>. Follows Aspire.Npgsql 13.5.2.</summary>
public class NpgsqlSettings
{
    /// <summary>The connection string; <c>ConnectionStrings:{name}</c> wins over this section.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Adds no health check.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Adds no tracing.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Adds no metrics.</summary>
    public bool DisableMetrics { get; set; }
}
