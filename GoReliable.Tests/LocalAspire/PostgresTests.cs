using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.LocalAspire;

/// <summary>PostgreSQL as a process: restarts, kept data, two platforms.</summary>
public sealed class PostgresTests
{
    [Fact]
    public async Task A_restart_keeps_the_port_and_the_data()
    {
        await using var application = await SmallApp.StartAsync(builder => builder.AddPostgres("server").AddDatabase("things"));
        await application.WaitForHealthyAsync("things");
        await ExecuteAsync(application, "CREATE TABLE thing AS SELECT 42 AS id");
        var (port, process) = (application.GetEndpoint("server", "tcp").Port, await application.ProcessIdAsync("server"));

        var result = await application.ResourceCommands.ExecuteCommandAsync("server", KnownResourceCommands.RestartCommand, TestContext.Current.CancellationToken);
        await application.WaitForHealthyAsync("things");

        Assert.True(result.Success, result.Message);
        Assert.Equal(port, application.GetEndpoint("server", "tcp").Port);
        Assert.NotEqual(process, await application.ProcessIdAsync("server"));
        Assert.False(SmallApp.IsAlive(process));
        Assert.Equal(42, await ExecuteAsync(application, "SELECT id FROM thing"));
    }

    [Fact]
    public async Task Stop_and_start_are_seen_in_the_states_of_server_and_database()
    {
        await using var application = await SmallApp.StartAsync(builder => builder.AddPostgres("server").AddDatabase("things"));
        await application.WaitForHealthyAsync("things");

        Assert.True((await application.ResourceCommands.ExecuteCommandAsync("server", KnownResourceCommands.StopCommand, TestContext.Current.CancellationToken)).Success);
        await application.WaitForAsync("things", KnownResourceStates.Exited);
        Assert.True((await application.ResourceCommands.ExecuteCommandAsync("server", KnownResourceCommands.StartCommand, TestContext.Current.CancellationToken)).Success);

        await application.WaitForHealthyAsync("things");
    }

    [Fact]
    public async Task Platforms_without_kept_data_run_side_by_side()
    {
        await using var one = await SmallApp.StartAsync(builder => builder.AddPostgres("server").AddDatabase("things"));
        await using var two = await SmallApp.StartAsync(builder => builder.AddPostgres("server").AddDatabase("things"));
        await one.WaitForHealthyAsync("things");
        await two.WaitForHealthyAsync("things");

        await ExecuteAsync(one, "CREATE TABLE thing (id int)");

        await ExecuteAsync(two, "CREATE TABLE thing (id int)");
    }

    [Fact]
    public async Task Kept_data_serves_one_platform_at_a_time_and_is_there_for_the_next()
    {
        using var kept = new KeptName();
        void Add(IDistributedApplicationTestingBuilder builder) => builder.AddPostgres("server", password: builder.AddParameter("password", "first")).WithDataVolume(kept.Name).AddDatabase("things");

        await using (var first = await SmallApp.StartAsync(Add))
        {
            await first.WaitForHealthyAsync("things");
            await ExecuteAsync(first, "CREATE TABLE thing AS SELECT 42 AS id");

            await using var second = await SmallApp.BuildAsync(Add);
            var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => second.StartAsync(TestContext.Current.CancellationToken));
            Assert.Matches("^Resource 'server': its data in .* is in use by another AppHost that runs\\. [^\n]*$", e.Message);
        }

        await using var next = await SmallApp.StartAsync(Add);
        await next.WaitForHealthyAsync("things");
        Assert.Equal(42, await ExecuteAsync(next, "SELECT id FROM thing"));
    }

    [Fact]
    public async Task An_interrupted_first_start_does_not_spoil_kept_data()
    {
        using var kept = new KeptName();
        void Add(IDistributedApplicationTestingBuilder builder) => builder.AddPostgres("server").WithDataVolume(kept.Name).AddDatabase("things");

        await using (await SmallApp.StartAsync(Add))
            await Eventually.SeeAsync("a data directory that is being made", () => Task.FromResult(InitdbDirectory(kept.Name)), directory => File.Exists(Path.Combine(directory!, "PG_VERSION")));

        await using var next = await SmallApp.StartAsync(Add);
        await next.WaitForHealthyAsync("things");
    }

    [Fact]
    public async Task Kept_data_of_another_user_is_named_with_what_to_do()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a directory away.");
        using var kept = new KeptName();
        void Add(IDistributedApplicationTestingBuilder builder) => builder.AddPostgres("server", password: builder.AddParameter("password", "first")).WithDataVolume(kept.Name);
        string directory;
        await using (var first = await SmallApp.StartAsync(Add))
        {
            var healthy = await first.WaitForHealthyAsync("server");
            directory = (string)healthy.Snapshot.Properties.Single(p => p.Name == "executable.workDir").Value!;
        }

        using (var chown = Process.Start("chown", ["--recursive", "12345", directory]))
            await chown.WaitForExitAsync(TestContext.Current.CancellationToken);
        await using var second = await SmallApp.BuildAsync(Add);
        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => second.StartAsync(TestContext.Current.CancellationToken));

        Assert.Matches($"^Resource 'server': its data in {directory} belongs to user 12345, but the server would run as [a-z]+\\. [^\n]*chown [^\n]*$", e.Message);
    }

    [Fact]
    public async Task Kept_data_with_another_password_says_what_to_do()
    {
        using var kept = new KeptName();
        await using (var first = await SmallApp.StartAsync(builder => builder.AddPostgres("server", password: builder.AddParameter("password", "first")).WithDataVolume(kept.Name)))
            await first.WaitForHealthyAsync("server");

        await using var second = await SmallApp.StartAsync(builder => builder.AddPostgres("server", password: builder.AddParameter("password", "second")).WithDataVolume(kept.Name));
        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => second.WaitForHealthyAsync("server"));

        Assert.Contains("dotnet user-secrets set Parameters:password", e.Message, StringComparison.Ordinal);
    }

    private static async Task<object?> ExecuteAsync(DistributedApplication application, string sql)
    {
        await using var connection = new NpgsqlConnection($"{await application.GetConnectionStringAsync("things", TestContext.Current.CancellationToken)};Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    // From its command line: initdb -D DIRECTORY …
    private static string? InitdbDirectory(string name) =>
        Process.GetProcessesByName("initdb")
            .Select(process => File.ReadAllText($"/proc/{process.Id}/cmdline").Split('\0'))
            .Select(arguments => arguments.ElementAtOrDefault(Array.IndexOf(arguments, "-D") + 1))
            .FirstOrDefault(directory => directory?.Contains(name, StringComparison.Ordinal) == true);

    /// <summary>A name of kept data that no other run has; the data is removed at the end.</summary>
    private sealed class KeptName : IDisposable
    {
        public string Name { get; } = $"test-{Guid.NewGuid():N}";

        public void Dispose()
        {
            for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            {
                var data = new DirectoryInfo(Path.Combine(directory.FullName, ".data"));
                foreach (var left in data.Exists ? data.GetFileSystemInfos($"{Name}*") : [])
                {
                    if (left is DirectoryInfo made)
                        made.Delete(recursive: true);
                    else
                        left.Delete();
                }
            }
        }
    }
}
