using GoReliable.Notifications.DeadLetters;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>What an operator may type after <c>dead-letters</c>.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", "Name a command.")]
    [InlineData("lst", "There is no command 'lst'.")]
    [InlineData("show", "show takes one id.")]
    [InlineData("redrive", "redrive takes ids, or --all.")]
    [InlineData("redrive --all 0195f1a0-0000-7000-8000-000000000001", "redrive takes ids, or --all.")]
    [InlineData("redrive x", "'x' is not an id.")]
    [InlineData("list --limit", "--limit needs a value.")]
    [InlineData("redrive --all --rate 0", "'0' is not a number above 0.")]
    [InlineData("list --url localhost", "'localhost' is not an address such as http://localhost:9103.")]
    [InlineData("list --fast", "There is no option '--fast'.")]
    public void Misuse_is_explained(string arguments, string explained) =>
        Assert.Equal(
            explained,
            Assert
                .Throws<FormatException>(() =>
                    CommandLine.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), _ => null)
                )
                .Message
        );

    [Fact]
    public void In_the_workers_container_the_command_finds_the_management_port() =>
        Assert.Equal(
            new Uri("http://localhost:9464"),
            CommandLine.Parse(["list"], name => name == "MANAGEMENT_PORT" ? "9464" : null).Url
        );
}
