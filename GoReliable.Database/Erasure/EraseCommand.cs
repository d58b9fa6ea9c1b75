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
    /// <param name="input">Where the answer to the question is read, and what is typed as <c>-</c>.</param>
    /// <param name="output">Gets what was done.</param>
    /// <param name="error">Gets what was not done.</param>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(
        string service,
        int port,
        IReadOnlyList<string> arguments,
        TextReader input,
        TextWriter output,
        TextWriter error
    ) =>
        OperatorCommand.RunAsync(
            "erase",
            Help,
            arguments,
            output,
            error,
            () =>
            {
                var own = int.TryParse(Environment.GetEnvironmentVariable("MANAGEMENT_PORT"), out var set) ? set : port;
                var line = Parse(arguments, own);
                line = line with { Token = OperatorCommand.Typed(line.Token, input) };
                var customer = OperatorCommand.Typed(line.Customer, input) ?? throw NoCustomer;
                return EraseAsync(service, line with { Customer = customer }, input, output, error);
            },
            service
        );

    private static async Task<int> EraseAsync(
        string service,
        Arguments line,
        TextReader input,
        TextWriter output,
        TextWriter error
    )
    {
        if (
            !line.Yes
            && !OperatorCommand.IsConfirmed(
                $"Erase all personal data of {line.Customer} in {service} for good?",
                "Nothing was erased.",
                input,
                error
            )
        )
            return OperatorCommand.NotDone;
        using var client = OperatorClient.Create(line.Url, line.Token, Timeout);
        var answer = await client.PostAsJsonAsync(
            "customers/erase",
            new ErasureRequest(line.Customer),
            OperatorClient.Json
        );
        var report = await OperatorClient.ReadAsync<ErasureReport>(answer, CancellationToken.None);
        await ReportAsync(service, report, line.Json, output);
        return report.Items.Any(item => item is { IsOpen: true, Count: > 0 })
            ? OperatorCommand.NotDone
            : OperatorCommand.Done;
    }

    private static FormatException NoCustomer => new("Name the customer to erase.");

    private static Arguments Parse(IReadOnlyList<string> arguments, int port)
    {
        var (customer, url, token, json, yes) = (
            (string?)null,
            $"http://localhost:{port}",
            Environment.GetEnvironmentVariable("GORELIABLE_TOKEN"),
            false,
            false
        );
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            switch (name)
            {
                case "--json":
                    json = true;
                    break;
                case "--yes":
                    yes = true;
                    break;
                case "--url":
                    url = Next();
                    break;
                case "--token":
                    token = Next();
                    break;
                case "--":
                    Name(Next());
                    break;
                case ['-', _, ..]:
                    throw new FormatException($"There is no option '{name}'.");
                default:
                    Name(name);
                    break;
            }

            void Name(string id) =>
                customer = customer is null ? id : throw new FormatException("One customer at a time.");

            string Next() => ++i < arguments.Count ? arguments[i] : throw new FormatException($"{name} needs a value.");
        }
        return new(customer ?? throw NoCustomer, OperatorClient.Address(url, port), token, json, yes);
    }

    private static async Task ReportAsync(string service, ErasureReport report, bool json, TextWriter output)
    {
        if (json)
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(report, OperatorClient.Json));
            return;
        }
        foreach (var item in report.Items)
            await output.WriteLineAsync($"{service}: {item.Count} {item.Name} {item.Outcome}.");
    }

    private sealed record Arguments(string Customer, Uri Url, string? Token, bool Json, bool Yes);
}
