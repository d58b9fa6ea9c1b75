using System.Globalization;
using GoReliable.ServiceDefaults.Management;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>What an operator typed after <c>dead-letters</c>.</summary>
internal sealed record CommandLine(
    string Verb,
    IReadOnlyList<Guid> Ids,
    bool All,
    string? Reason,
    int Rate,
    int Limit,
    bool Json,
    bool Yes,
    Uri Url,
    string? Token
)
{
    public const string Help = """
        Usage: dead-letters COMMAND [options]

        Lists the messages that the notification worker gave up, puts them back, or discards them.

          list                     oldest first
          show ID                  one with its headers and body
          redrive ID...            puts these back into the queue
          redrive --all            puts all of them back
          discard ID...            removes these for good
          discard --all            removes all of them for good

          --reason REASON          with --all: only those with this reason, such as retries_exhausted
          --rate N                 with redrive --all: at most N a second, 1 to 1000 (100)
          --limit N                with list: at most N letters (50)
          --yes                    with discard: do not ask
          --json                   prints JSON, for programs
          --url URL                the worker's management port ($GORELIABLE_URL, or http://localhost:9103)
          --token TOKEN            a token with the scope notifications:operate ($GORELIABLE_TOKEN);
                                   - reads it from the first line of the input
          --help                   shows this

        Exit codes: 0 done, 1 not done or not all of it, 2 misused.
        """;

    private static readonly string[] Verbs = ["list", "show", "redrive", "discard"];

    /// <exception cref="FormatException">The arguments make no sense; the message says why.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var port = environment("MANAGEMENT_PORT") ?? "9103";
        var line = new CommandLine(
            Verb: "",
            [],
            All: false,
            Reason: null,
            RedriveRequest.DefaultPerSecond,
            Limit: 50,
            Json: false,
            Yes: false,
            Address(environment("GORELIABLE_URL") ?? $"http://localhost:{port}"),
            environment("GORELIABLE_TOKEN")
        );

        var ids = new List<Guid>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            line = name switch
            {
                "--all" => line with { All = true },
                "--json" => line with { Json = true },
                "--yes" => line with { Yes = true },
                "--reason" => line with { Reason = Next() },
                "--rate" => line with { Rate = Number(Next()) },
                "--limit" => line with { Limit = Number(Next()) },
                "--url" => line with { Url = Address(Next()) },
                "--token" => line with { Token = Next() },
                _ when line.Verb.Length == 0 && Verbs.Contains(name) => line with { Verb = name },
                _ when name.StartsWith('-') => throw new FormatException($"There is no option '{name}'."),
                _ when Guid.TryParse(name, out var id) => Add(id),
                _ => throw new FormatException(
                    line.Verb.Length == 0 ? $"There is no command '{name}'." : $"'{name}' is not an id."
                ),
            };

            string Next() => ++i < arguments.Count ? arguments[i] : throw new FormatException($"{name} needs a value.");

            CommandLine Add(Guid id)
            {
                ids.Add(id);
                return line;
            }
        }
        return (line with { Ids = ids }).Validated();
    }

    private CommandLine Validated() =>
        Verb switch
        {
            "" => throw new FormatException("Name a command."),
            "list" when Ids.Count > 0 || All => throw new FormatException("list takes neither ids nor --all."),
            "show" when Ids.Count != 1 || All => throw new FormatException("show takes one id."),
            "redrive" or "discard" when Ids.Count > 0 == All => throw new FormatException(
                $"{Verb} takes ids, or --all."
            ),
            _ when Reason is not null && !All => throw new FormatException(
                "--reason goes with redrive --all or discard --all."
            ),
            _ => this,
        };

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException($"'{text}' is not a number above 0.");

    private static Uri Address(string text) => OperatorClient.Address(text, 9103);
}
