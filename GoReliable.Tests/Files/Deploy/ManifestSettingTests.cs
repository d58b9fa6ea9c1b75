using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using GoReliable.Notifications.Delivery;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Lifecycle;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What the manifests set is what the services read, and every name in it means something.</summary>
public sealed partial class ManifestSettingTests
{
    // The settings that the services read (docs/settings.md), beside those that only the manifests use to build them.
    private static readonly HashSet<string> Settings =
    [
        "DOTNET_ENVIRONMENT",
        "ASPNETCORE_ENVIRONMENT",
        "DOTNET_gcServer",
        "HTTP_PORTS",
        "MANAGEMENT_PORT",
        "GORELIABLE_CONFIG",
        "Authentication__Schemes__Bearer__Authority",
        "ForwardedHeaders__KnownProxies__0",
        "ConnectionStrings__orders-db",
        "ConnectionStrings__notifications-db",
        "ConnectionStrings__messaging",
        "services__orders__http__0",
        "services__notifications__http__0",
        "Email__From",
        "Email__Smtp__Host",
        "Email__Smtp__Port",
        "Email__Smtp__Security",
        "Email__Smtp__User",
        "Email__Smtp__Password",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_TRACES_SAMPLER",
        "OTEL_METRICS_EXEMPLAR_FILTER",
    ];

    private static readonly HashSet<string> Parts =
    [
        "POD_NAME",
        "POD_UID",
        "ENVIRONMENT_NAME",
        "ORDERS_DB_PASSWORD",
        "NOTIFICATIONS_DB_PASSWORD",
        "ORDERS_DB_POOL",
        "NOTIFICATIONS_DB_POOL",
    ];

    [Fact]
    public void Every_setting_of_our_own_is_read_by_a_service()
    {
        string[] services =
        [
            "GoReliable.ServiceDefaults",
            "GoReliable.Database",
            "GoReliable.Messaging",
            "GoReliable.Gateway",
            "GoReliable.Orders",
            "GoReliable.Notifications",
        ];
        var code = string.Concat(
            services
                .SelectMany(service =>
                    Directory.GetFiles(Path.Combine(DeployFiles.Root, service), "*.cs", SearchOption.AllDirectories)
                )
                .Select(File.ReadAllText)
        );
        foreach (var setting in Settings.Where(name => !StandardSetting().IsMatch(name)))
        {
            var parts = setting.Split("__");
            // Options are bound by the names of their properties; everything else is asked for by its name, or by that
            // of its list.
            var read =
                parts[0] == "Email"
                    ? parts[1..]
                        .Aggregate((Type?)typeof(EmailOptions), (type, property) =>
                            type?.GetProperty(property)?.PropertyType
                        )
                        is not null
                    : code.Contains($"\"{parts[^1]}\"", StringComparison.Ordinal)
                        || (
                            int.TryParse(parts[^1], CultureInfo.InvariantCulture, out _)
                            && code.Contains($"\"{string.Join(':', parts[..^1])}\"", StringComparison.Ordinal)
                        );
            Assert.True(read, $"{setting} is in the manifests, and no service reads it.");
        }
    }

    // .NET's, OpenTelemetry's, and service discovery's.
    [GeneratedRegex("^(DOTNET|ASPNETCORE|OTEL)_|^services__")]
    private static partial Regex StandardSetting();

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_variable_is_read_by_a_service_or_is_part_of_one_that_is(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(platform.Containers, container =>
            Assert.All(platform.EnvironmentOf(container).Keys, name =>
                Assert.True(Settings.Contains(name) || Parts.Contains(name), $"{container.Name}: nobody reads {name}.")
            )
        );
    }

    // $(NAME) stays as it is when NAME is unknown or comes later.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_variable_refers_only_to_those_before_it(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        foreach (var container in platform.Containers)
        {
            var known = platform
                .EnvironmentOf(container)
                .Keys.Except(container.Env.Select(variable => variable.Name))
                .ToHashSet();
            foreach (var variable in container.Env)
            {
                foreach (Match reference in Reference.Matches(variable.Value ?? ""))
                    Assert.Contains(reference.Groups[1].Value, known);
                known.Add(variable.Name);
            }
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_gateway_is_told_the_addresses_of_the_other_services(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var gateway = platform.EnvironmentOf("gateway");
        foreach (var name in new[] { "orders", "notifications" })
        {
            var address = new Uri(gateway[$"services__{name}__http__0"]!);
            var service = platform.Objects.Of<V1Service>().Single(service => service.Metadata.Name == address.Host);
            Assert.Equal(address.Port, service.Spec.Ports.Single().Port);
        }
    }

    // Without it all customers behind the ingress controller are one address to the gateway.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_gateway_is_told_the_network_of_the_ingress_controller(string overlay)
    {
        var gateway = (await Overlay.BuildAsync(overlay)).EnvironmentOf("gateway");

        Assert.Contains("ForwardedHeaders__KnownProxies__0", gateway.Keys);
        Assert.InRange(IPNetwork.Parse(gateway["ForwardedHeaders__KnownProxies__0"]!).PrefixLength, 8, 128);
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_environment_has_one_name_everywhere(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        Assert.All(platform.Containers, container =>
            Assert.Equal(overlay, platform.EnvironmentOf(container)["ENVIRONMENT_NAME"])
        );
        var relabeling = Assert.Single(
            Assert.Single(objects.Custom<PodMonitorSpec>()).Spec.PodMetricsEndpoints.Single().Relabelings,
            relabeling => relabeling.TargetLabel == "environment"
        );
        Assert.Equal(overlay, relabeling.Replacement);
    }

    [Fact]
    public void Every_setting_is_in_the_reference()
    {
        var reference = DeployFiles.Read("docs/settings.md");
        Assert.All(
            Settings
                .Where(name =>
                    !name.StartsWith("OTEL_", StringComparison.Ordinal)
                    && !name.EndsWith("_ENVIRONMENT", StringComparison.Ordinal)
                )
                .Concat(Options()),
            name => Assert.Contains($"`{name}", reference, StringComparison.Ordinal)
        );
    }

    // The chaos switches are in docs/chaos.md, and the options of the gateway in docs/edge.md.
    private static IEnumerable<string> Options() =>
        from known in new[] { typeof(ShutdownOptions), typeof(OrderOptions), typeof(EmailOptions) }
        from type in known.Assembly.GetTypes()
        where type.Name.EndsWith("Options", StringComparison.Ordinal) && type != typeof(ChaosOptions)
        let section = type.GetField("Section", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        where section is not null
        from property in PropertiesOf(type)
        select $"{section.GetRawConstantValue()}__{property}";

    private static IEnumerable<string> PropertiesOf(Type type) =>
        from property in type.GetProperties()
        where property.CanWrite
        from name in property.PropertyType.Assembly == type.Assembly
            ? PropertiesOf(property.PropertyType).Select(inner => $"{property.Name}__{inner}")
            : [property.Name]
        select name;

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference { get; }
}
