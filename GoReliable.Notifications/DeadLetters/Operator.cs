using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using GoReliable.ServiceDefaults.Identity;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>Who operates, for the log: a name there would be personal data, so it is the beginning of its SHA-256.</summary>
internal sealed record Operator(string Name) : IBindableFromHttpContext<Operator>
{
    private const int Length = 12;

    public static async ValueTask<Operator?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        await Customer.BindAsync(context, parameter) is { } caller
            ? new Operator(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Id)))[..Length])
            : null;
}
