namespace GoReliable.Bench.Comparison;

/// <summary>
/// What is put under load: its own processes, and the servers whose cost is its own. It is idle when nothing is left to
/// do for the orders so far.
/// </summary>
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
