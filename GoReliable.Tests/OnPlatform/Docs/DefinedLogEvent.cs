using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>A log event as the code defines it; its text is <c>event level services fields</c>.</summary>
internal sealed partial record DefinedLogEvent(
    string Name,
    LogLevel Level,
    string Services,
    IReadOnlyList<string> Fields,
    bool HasException
)
{
    private static readonly (Assembly Assembly, string Services)[] Sources =
    [
        (typeof(GoReliable.Gateway.Log).Assembly, "gateway"),
        (typeof(GoReliable.Orders.Log).Assembly, "orders"),
        (typeof(GoReliable.Notifications.Log).Assembly, "notifications"),
        (typeof(GoReliable.ServiceDefaults.Chaos.ChaosSwitches).Assembly, "gateway, orders, notifications"),
        (typeof(GoReliable.Database.DatabaseDefaults).Assembly, "orders, notifications"),
        (typeof(GoReliable.Messaging.Broker).Assembly, "orders, notifications"),
    ];

    /// <summary>All of the services and their defaults.</summary>
    public static IReadOnlyList<DefinedLogEvent> All { get; } =
    [
        .. from source in Sources
        from type in source.Assembly.GetTypes()
        from method in type.GetMethods(
            BindingFlags.Public
                | BindingFlags.NonPublic
                | BindingFlags.Static
                | BindingFlags.Instance
                | BindingFlags.DeclaredOnly
        )
        let message = method.GetCustomAttribute<LoggerMessageAttribute>()
        where message is not null
        select new DefinedLogEvent(
            message.EventName!,
            message.Level,
            source.Services,
            [
                .. Placeholder()
                    .Matches(message.Message)
                    .Select(field => JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Groups[1].Value)),
            ],
            method.GetParameters().Any(parameter => parameter.ParameterType.IsAssignableTo(typeof(Exception)))
        ),
    ];

    public override string ToString() =>
        $"{Name} {Level} {Services} "
        + $"{string.Join(' ', Fields.Order(StringComparer.Ordinal))}{(HasException ? " exception" : "")}";

    [GeneratedRegex(@"\{(\w+)")]
    private static partial Regex Placeholder();
}
