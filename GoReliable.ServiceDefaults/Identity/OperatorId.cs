using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// The operator, as the log names them; a parameter of endpoints that require authorization. A real name there would be
/// personal data.
/// </summary>
/// <param name="Name">The first 12 digits of the SHA-256 of the caller's subject.</param>
public sealed record OperatorId(string Name) : IBindableFromHttpContext<OperatorId>
{
    private const int Length = 12;

    /// <inheritdoc/>
    /// <exception cref="BadHttpRequestException">The caller's identity has no subject.</exception>
    public static async ValueTask<OperatorId?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        await Customer.BindAsync(context, parameter) is { } caller
            ? new OperatorId(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Id)))[..Length])
            : null;
}
