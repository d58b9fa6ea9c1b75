using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace GoReliable.Bench.Comparison;

/// <summary>A PostgreSQL and a RabbitMQ of their own, by the scripts that <c>RunAsProcess</c> uses.</summary>
internal sealed record Servers(string PostgresConnection, string BrokerUrl, Watched Postgres, Watched RabbitMq)
{
    private const string User = "bench";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static async Task<Servers> StartAsync(Plan plan, Workspace workspace)
    {
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var (postgresPort, rabbitPort) = (Workspace.FreePort(), Workspace.FreePort());
        TiedProcess Start(string name, int port, params (string Name, string Value)[] more) =>
            workspace.Start(
                name,
                stopSignal: "TERM",
                [Path.Combine(plan.Repository, "GoReliable.AppHost", "Processes", $"{name}.sh"), "run"],
                [
                    .. more,
                    ("PORT", $"{port}"),
                    ("DATA", Path.Combine(workspace.Folder, name)),
                    ("TEMPORARY", workspace.Folder),
                    ("APPHOST", $"{Environment.ProcessId}"),
                ]
            );

        var postgres = Start("postgres", postgresPort, ("POSTGRES_USER", User), ("POSTGRES_PASSWORD", password));
        var rabbit = Start(
            "rabbitmq",
            rabbitPort,
            ("RABBITMQ_DEFAULT_USER", User),
            ("RABBITMQ_DEFAULT_PASS", password)
        );
        var server = $"Host=127.0.0.1;Port={postgresPort};Username={User};Password={password}";

        await WaitUntilAsync("PostgreSQL", () => AnswersAsync(server), workspace.Ending);
        await WaitUntilAsync("RabbitMQ", () => AnswersAsync(rabbitPort), workspace.Ending);
        return new Servers(
            server,
            $"amqp://{User}:{password}@127.0.0.1:{rabbitPort}",
            new Watched("PostgreSQL", Usage.Descendant(postgres.Id, "postgres"), WithChildren: true),
            new Watched("RabbitMQ", Usage.Descendant(rabbit.Id, "beam.smp"), WithChildren: true)
        );
    }

    /// <summary>Creates a database.</summary>
    /// <returns>How to connect to it.</returns>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create($"{PostgresConnection};Database=postgres;Pooling=false");
        await using var create = source.CreateCommand($"CREATE DATABASE \"{name}\"");
        await create.ExecuteNonQueryAsync(cancellationToken);
        return $"{PostgresConnection};Database={name}";
    }

    /// <summary>Looks again and again until it is so.</summary>
    /// <param name="what">For people: what is not there if it never is.</param>
    /// <param name="isThere">Looks once.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="BenchmarkException">It took more than a minute.</exception>
    public static async Task WaitUntilAsync(string what, Func<Task<bool>> isThere, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            while (!await isThere())
                await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BenchmarkException($"{what} is not ready after {Patience.TotalSeconds} seconds.");
        }
    }

    /// <summary>Whether a GET of this address is answered with this status.</summary>
    public static async Task<bool> AnswersAsync(HttpClient client, Uri address, HttpStatusCode status)
    {
        try
        {
            using var answer = await client.GetAsync(address);
            return answer.StatusCode == status;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<bool> AnswersAsync(string connectionString)
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                $"{connectionString};Database=postgres;Pooling=false;Timeout=2"
            );
            await connection.OpenAsync();
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or SocketException or TimeoutException)
        {
            return false;
        }
    }

    // The port is open before the broker is: it answers a protocol header with the first frame, of type 1.
    private static async Task<bool> AnswersAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
            await client.Client.SendAsync("AMQP\0\0\u0009\u0001"u8.ToArray());
            var first = new byte[1];
            return await client.Client.ReceiveAsync(first) == 1 && first[0] == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
