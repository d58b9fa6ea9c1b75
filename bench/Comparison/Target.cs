namespace GoReliable.Bench.Comparison;

/// <summary>What is put under load.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Customers">Who send it requests.</param>
/// <param name="Services">Its own processes.</param>
/// <param name="Servers">The others whose cost is its own.</param>
/// <param name="WaitUntilIdleAsync">Ends when nothing is left to do for the orders so far.</param>
internal sealed record Target(
    string Name,
    IReadOnlyList<Customer> Customers,
    IReadOnlyList<Watched> Services,
    IReadOnlyList<Watched> Servers,
    Func<Task> WaitUntilIdleAsync
)
{
    public IEnumerable<Watched> Processes => Services.Concat(Servers);

    /// <summary>The environment of every program: nothing of the caller's own.</summary>
    public static (string Name, string Value)[] Environment(Workspace workspace, int port) =>
        [
            // Sockets for diagnostics are there, and gone with it.
            ("TMPDIR", workspace.Folder),
            ("HOME", workspace.Folder),
            ("DOTNET_gcServer", "0"),
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
        ];
}
