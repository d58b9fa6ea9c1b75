using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.Files.Docs;

/// <summary>The allowed dependencies between the folders (namespaces) of a service. There are no cycles.</summary>
public sealed partial class RoomTests
{
    [Theory]
    [InlineData("Gateway", "Limits: ", "Requests: ", "Resilience: Requests", "Routing: Resilience")]
    [InlineData("Orders", "Erasure: ", "Ordering: Outbox", "Outbox: ")]
    [InlineData(
        "Notifications",
        "Consuming: DeadLetters Delivery Messages Retrying",
        "DeadLetters: Messages Retrying",
        "Delivery: Messages",
        "Erasure: ",
        "Listing: ",
        "Messages: ",
        "Retrying: Messages"
    )]
    public void A_room_uses_only_the_rooms_that_are_listed(string service, params string[] listed)
    {
        var rooms = Directory
            .EnumerateDirectories(DeployFiles.Path($"GoReliable.{service}"))
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs").Any())
            .Select(folder => Path.GetFileName(folder))
            .Order(StringComparer.Ordinal)
            .ToArray();

        var found = rooms.Select(room =>
        {
            var folder = DeployFiles.Path($"GoReliable.{service}/{room}");
            var source = string.Concat(Directory.EnumerateFiles(folder, "*.cs").Select(File.ReadAllText));
            var used = rooms.Where(other =>
                other != room && Regex.IsMatch(source, $@"\b{service}\.{other}\b|(?<![.\w]){other}\.[A-Z]")
            );
            return $"{room}: {string.Join(' ', used)}";
        });
        Assert.Equal(listed, found);
    }

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

    [GeneratedRegex("npgsql|rabbitmq|dbup", RegexOptions.IgnoreCase)]
    private static partial Regex DatabaseOrBroker();
}
