using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// Checks connection strings when a service starts. One that cannot be read is reported in one sentence, with the name
/// of the variable. The libraries' own messages are not repeated: they may quote a password.
/// </summary>
public static class ConnectionStrings
{
    private const string Database = "It must be pairs such as Host=db;Username=orders;Password=…;Database=orders-db, with a host, and a value with ; or = or ' in "
        + "double quotes. A postgres:// URL is not understood.";

    private const string Broker = "It must be a URL such as amqp://user:password@host:5672/virtual-host, or amqps, with a host. In user, password and virtual host "
        + "every character but letters, digits, - . _ and ~ must be encoded, # as %23.";

    /// <summary>Checks the connection string for PostgreSQL.</summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="name">The connection's name.</param>
    /// <exception cref="InvalidSettingException">It is not set or cannot be used.</exception>
    public static void RequireDatabase(this WebApplicationBuilder builder, string name) => builder.Require(name, Database, text =>
    {
        using var source = NpgsqlDataSource.Create(text);
        return new NpgsqlConnectionStringBuilder(text).Host!.Split(',').All(host => !string.IsNullOrWhiteSpace(host));
    });

    /// <summary>Checks the connection string for RabbitMQ.</summary>
    /// <param name="builder">The builder of a service.</param>
    /// <param name="name">The connection's name.</param>
    /// <exception cref="InvalidSettingException">It is not set or cannot be used.</exception>
    public static void RequireBroker(this WebApplicationBuilder builder, string name) => builder.Require(name, Broker, text =>
    {
        var url = new Uri(text);
        _ = new ConnectionFactory { Uri = url };
        // If the password contains an unencoded / ? or #, the host is what stands before that character, and the @
        // comes after.
        return url.Host.Length > 0 && !url.PathAndQuery.Contains('@') && !url.Fragment.Contains('@');
    });

    private static void Require(this WebApplicationBuilder builder, string name, string form, Func<string, bool> isReadable)
    {
        if (builder.Configuration.GetConnectionString(name) is not { Length: > 0 } text)
            throw new InvalidSettingException($"ConnectionStrings__{name} is not set. {form}");
        try
        {
            if (isReadable(text))
                return;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException or NotSupportedException)
        {
            // Reported below.
        }
        throw new InvalidSettingException($"ConnectionStrings__{name} cannot be read. {form}");
    }
}
