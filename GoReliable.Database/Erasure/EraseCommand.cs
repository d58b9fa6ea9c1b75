using System.Net.Http.Json;
using System.Text.Json;
using GoReliable.ServiceDefaults.Management;

namespace GoReliable.Database.Erasure;

/// <summary>
/// <see cref="ErasureEndpoint"/> as a command line: <c>erase</c> as the first argument of a service's program.
/// </summary>
public static class EraseCommand
{
    // Long, because every stored notification is looked at.
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(10);

    private const string Help = """
        Usage: erase CUSTOMER [options]

        Erases the personal data of a customer in one service, and says what it was. First the orders,
        then the notifications: docs/personal-data.md says why, and when to do it again.

          CUSTOMER         the subject of the customer's tokens; after -- where it begins with -;
                           - reads it from the input, after the token
          --yes            does not ask
          --json           prints JSON, for programs
          --url URL        the service's management port (http://localhost, with $MANAGEMENT_PORT)
          --token TOKEN    a token with the scope notifications:operate ($GORELIABLE_TOKEN);
                           - reads it from the first line of the input
          --help           shows this

        Exit codes: 0 done, 1 not done or not all of it, 2 misused.
        """;

    /// <param name="service">The service's name.</param>
    /// <param name="port">Its management port, unless another one is given.</param>
    /// <param name="arguments">Those after <c>erase</c>.</param>
    /// <param name="terminal">Where the customer may be typed, and where it asks and reports.</param>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string service, int port, IReadOnlyList<string> arguments, Terminal terminal) =>
        OperatorCommand.RunAsync(
            "erase",
            Help,
            arguments,
            terminal,
            () =>
            {
                var own = int.TryParse(Environment.GetEnvironmentVariable("MANAGEMENT_PORT"), out var set) ? set : port;
                var line = Parse(arguments, own);
                line = line with { Token = terminal.Typed(line.Token) };
                return EraseAsync(service, line with { Customer = terminal.Typed(line.Customer) }, terminal);
            },
            service
        );

    private static async Task<int> EraseAsync(string service, Arguments line, Terminal terminal)
    {
        var question = $"Erase all personal data of {line.Customer} in {service} for good?";
        if (!line.Yes && !terminal.Confirms(question, "Nothing was erased."))
            return OperatorCommand.NotDone;
        using var client = OperatorClient.Create(line.Url, line.Token, Timeout);
        var answer = await client.PostAsJsonAsync(
            "customers/erase",
            new ErasureRequest(line.Customer),
            OperatorClient.Json
        );
        var report = await OperatorClient.ReadAsync<ErasureReport>(answer);
        if (line.Json)
            await terminal.Output.WriteLineAsync(JsonSerializer.Serialize(report, OperatorClient.Json));
        else
            foreach (var item in report.Items)
                await terminal.Output.WriteLineAsync($"{service}: {item.Count} {item.Name} {item.Outcome}.");
        return report.Items.Any(item => item is { IsOpen: true, Count: > 0 })
            ? OperatorCommand.NotDone
            : OperatorCommand.Done;
    }

    private static Arguments Parse(IReadOnlyList<string> arguments, int port)
    {
        var line = new Arguments(
            Customer: null,
            OperatorClient.Address($"http://localhost:{port}", port),
            Environment.GetEnvironmentVariable("GORELIABLE_TOKEN"),
            Json: false,
            Yes: false
        );
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            line = name switch
            {
                "--json" => line with { Json = true },
                "--yes" => line with { Yes = true },
                "--url" => line with { Url = OperatorClient.Address(Next(), port) },
                "--token" => line with { Token = Next() },
                "--" => Named(Next()),
                ['-', _, ..] => throw new FormatException($"There is no option '{name}'."),
                _ => Named(name),
            };

            string Next() => ++i < arguments.Count ? arguments[i] : throw new FormatException($"{name} needs a value.");

            Arguments Named(string customer) =>
                line.Customer is null
                    ? line with
                    {
                        Customer = customer,
                    }
                    : throw new FormatException("One customer at a time.");
        }
        return line.Customer is null ? throw new FormatException("Name the customer to erase.") : line;
    }

    private sealed record Arguments(string? Customer, Uri Url, string? Token, bool Json, bool Yes);
}
