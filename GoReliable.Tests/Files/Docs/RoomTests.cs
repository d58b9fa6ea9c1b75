using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.Files.Docs;

/// <summary>The allowed dependencies between the folders (namespaces) of a service. There are no cycles.</summary>
public sealed partial class RoomTests
{
    [Theory]
    [InlineData("Gateway", "Requests", "")]
    [InlineData("Gateway", "Limits", "")]
    [InlineData("Gateway", "Resilience", "Requests")]
    [InlineData("Gateway", "Routing", "Resilience")]
    [InlineData("Orders", "Outbox", "")]
    [InlineData("Orders", "Ordering", "Outbox")]
    [InlineData("Orders", "Erasure", "")]
    [InlineData("Notifications", "Messages", "")]
    [InlineData("Notifications", "Delivery", "Messages")]
    [InlineData("Notifications", "Retrying", "Messages")]
    [InlineData("Notifications", "DeadLetters", "Messages Retrying")]
    [InlineData("Notifications", "Consuming", "DeadLetters Delivery Messages Retrying")]
    [InlineData("Notifications", "Listing", "")]
    [InlineData("Notifications", "Erasure", "")]
    public void A_room_uses_only_the_rooms_that_are_listed(string service, string room, string known)
    {
        var rooms = Rooms(service);
        var source = string.Concat(
            Directory.EnumerateFiles(DeployFiles.Path($"GoReliable.{service}/{room}"), "*.cs").Select(File.ReadAllText)
        );

        var found = rooms.Where(other =>
            other != room && Regex.IsMatch(source, $@"\b{service}\.{other}\b|(?<![.\w]){other}\.[A-Z]")
        );

        Assert.Equal(known, string.Join(' ', found));
    }

    [Theory]
    [InlineData("Gateway", 4)]
    [InlineData("Orders", 3)]
    [InlineData("Notifications", 7)]
    public void No_room_is_left_out(string service, int listed) => Assert.Equal(listed, Rooms(service).Count);

    [Fact]
    public void The_gateway_carries_nothing_of_a_database_or_a_broker()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var carried = File.ReadAllText(
            DeployFiles.Path($"GoReliable.Gateway/bin/{output.Parent!.Name}/{output.Name}/GoReliable.Gateway.deps.json")
        );

        Assert.Contains("Yarp.ReverseProxy", carried);
        Assert.DoesNotMatch(DatabaseOrBroker(), carried);
    }

    private static IReadOnlyList<string> Rooms(string service) =>
        [
            .. Directory
                .EnumerateDirectories(DeployFiles.Path($"GoReliable.{service}"))
                .Where(folder => Directory.EnumerateFiles(folder, "*.cs").Any())
                .Select(folder => Path.GetFileName(folder)!)
                .Order(StringComparer.Ordinal),
        ];

    [GeneratedRegex("npgsql|rabbitmq|dbup", RegexOptions.IgnoreCase)]
    private static partial Regex DatabaseOrBroker();
}
