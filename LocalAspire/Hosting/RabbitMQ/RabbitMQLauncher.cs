using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.RabbitMQ;

/// <summary>Starts a RabbitMQ broker and its own epmd, both on the loopback interface only.</summary>
internal sealed class RabbitMQLauncher : IResourceLauncher
{
    private readonly RabbitMQServerResource _broker;
    private readonly string? _server;
    private readonly string? _epmd = Programs.Find("epmd");
    private readonly DataDirectory _data;
    private readonly string _files;
    private ChildProcess? _runningEpmd;

    public RabbitMQLauncher(RabbitMQServerResource broker, string appHostDirectory)
    {
        _broker = broker;
        _server = FindServer();
        _data = DataDirectory.Choose(broker, appHostDirectory, user: null);
        _files = TemporaryDirectory.Choose($"{broker.Name}-run");
    }

    public bool IsDisposable => !_data.IsKept;

    public IEnumerable<string> FindProblems()
    {
        if (_server is null || _epmd is null)
            yield return $"Resource '{_broker.Name}' needs RabbitMQ, which is not installed. Install it with: {Programs.Install("--no-install-recommends rabbitmq-server")}";
        else if (_data.Reserve(_broker, user: null) is { } problem)
            yield return problem;
    }

    public async Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        DataDirectory.Create(_data.Path, user: null);
        WriteFiles();

        // Nothing of the user's own Erlang or RabbitMQ set-up may leak in.
        var variables = context.Variables
            .Where(v => !v.Key.StartsWith("RABBITMQ_", StringComparison.Ordinal) && !v.Key.StartsWith("ERL_", StringComparison.Ordinal))
            .ToDictionary();

        // Left alone, the broker starts an epmd on all interfaces, port 4369, that outlives it.
        var epmdPort = Text(Ports.Free());
        _runningEpmd = await ChildProcess.StartAsync(new Launch(_epmd!, ["-port", epmdPort, "-address", "127.0.0.1"], _files, variables), context.Log);

        variables["HOME"] = _files;
        variables["ERL_EPMD_PORT"] = epmdPort;
        variables["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        variables["ERL_AFLAGS"] = "-start_epmd false";
        variables["ERL_CRASH_DUMP"] = "/dev/null";
        variables["RUNNING_UNDER_SYSTEMD"] = "true"; // Makes the start script exec, so that the process is the broker itself.
        variables["RABBITMQ_NODENAME"] = $"{_broker.Name}@localhost";
        variables["RABBITMQ_DIST_PORT"] = Text(Ports.Free());
        variables["RABBITMQ_MNESIA_BASE"] = _data.Path;
        variables["RABBITMQ_FEATURE_FLAGS_FILE"] = Path.Combine(_data.Path, "feature_flags");
        variables["RABBITMQ_LOG_BASE"] = _files;
        variables["RABBITMQ_LOGS"] = "-";
        variables["RABBITMQ_CONFIG_FILE"] = Path.Combine(_files, "rabbitmq.conf");
        variables["RABBITMQ_ADVANCED_CONFIG_FILE"] = Path.Combine(_files, "advanced.config");
        variables["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(_files, "rabbitmq-env.conf");
        variables["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_files, "enabled_plugins");
        variables["RABBITMQ_PID_FILE"] = Path.Combine(_files, "pid");
        variables["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}";
        foreach (var (name, value) in context.Own)
            variables.TryAdd(name, value);

        return new Launch(_server!, context.Arguments, _files, variables);
    }

    public async Task AfterExitAsync()
    {
        if (_runningEpmd is { } epmd)
        {
            _runningEpmd = null;
            epmd.Kill();
            await epmd.Exited;
            epmd.Dispose();
        }
    }

    public void Dispose()
    {
        TemporaryDirectory.Remove(_files);
        _data.Dispose();
    }

    // The wrapper in /usr/sbin insists on root or the user rabbitmq; the script behind it does not.
    private static string? FindServer()
    {
        const string Debian = "/usr/lib/rabbitmq/lib";
        if (!Directory.Exists(Debian))
            return null;

        return Directory.GetDirectories(Debian, "rabbitmq_server-*")
            .Select(d => Path.Combine(d, "sbin", "rabbitmq-server"))
            .LastOrDefault(File.Exists);
    }

    private void WriteFiles()
    {
        Directory.CreateDirectory(_files, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var cookie = Path.Combine(_files, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            File.WriteAllText(cookie, RandomNumberGenerator.GetHexString(32));
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }

        var management = _broker.ManagementEndpoint.Exists;
        File.WriteAllText(Path.Combine(_files, "enabled_plugins"), management ? "[rabbitmq_management].\n" : "[].\n");
        File.WriteAllText(Path.Combine(_files, "rabbitmq-env.conf"), "");
        File.WriteAllText(Path.Combine(_files, "advanced.config"), "[].\n");
        File.WriteAllText(Path.Combine(_files, "rabbitmq.conf"), $"""
            listeners.tcp.1 = 127.0.0.1:{Text(_broker.PrimaryEndpoint.Port)}
            log.console = true
            log.console.level = warning
            log.file = false
            {(management ? $"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {Text(_broker.ManagementEndpoint.Port)}" : "")}

            """);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
