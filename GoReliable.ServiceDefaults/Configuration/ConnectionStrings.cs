using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace GoReliable.ServiceDefaults.Configuration;

/// <summary>
/// Checks connection strings when a service starts. One that cannot be read is reported in one sentence, with the name
/// of the variable. The libraries' own messages are not repeated: they may quote a password.
/// </summary>
public static class ConnectionStrings
{
    /// <summary>
    /// Ends the start of a service, in one sentence, if a connection string is missing or unreadable.
    /// </summary>
    /// <exception cref="InvalidSettingException">It is not set or cannot be used.</exception>
    public static void RequireConnectionString(
        this WebApplicationBuilder builder,
        string name,
        string form,
        Func<string, bool> isReadable
    )
    {
        if (builder.Configuration.GetConnectionString(name) is not { Length: > 0 } text)
            throw new InvalidSettingException($"ConnectionStrings__{name} is not set. {form}");
        try
        {
            if (isReadable(text))
                return;
        }
        catch (Exception)
        {
            // Whatever the parser threw, the text cannot be read: reported below.
        }
        throw new InvalidSettingException($"ConnectionStrings__{name} cannot be read. {form}");
    }
}
