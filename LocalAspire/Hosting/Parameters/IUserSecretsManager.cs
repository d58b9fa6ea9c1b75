using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>The AppHost's user secrets.</summary>
[Experimental("ASPIREUSERSECRETS001")]
public interface IUserSecretsManager
{
    /// <summary>Makes and stores a secret, unless the configuration has it; it is in the configuration afterwards.</summary>
    void GetOrSetSecret(IConfigurationManager configuration, string name, Func<string> valueGenerator);
}
