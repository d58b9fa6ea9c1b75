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
    // Of .NET and OpenTelemetry.
    private static readonly string[] Standard =
    [
        "DOTNET_ENVIRONMENT",
        "ASPNETCORE_ENVIRONMENT",
        "DOTNET_gcServer",
        "DOTNET_GCgen0size",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_TRACES_SAMPLER",
    ];

    private static readonly string Documented = DeployFiles.Read("docs/settings.md");

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_variable_is_a_documented_setting_that_a_service_reads_or_part_of_one(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var parts = platform
            .Containers.SelectMany(container => container.Env)
            .SelectMany(variable => Reference.Matches(variable.Value ?? ""))
            .Select(reference => reference.Groups[1].Value);
        var settings = platform.Containers.SelectMany(container => platform.EnvironmentOf(container).Keys);
        var options = Options().ToHashSet();
        string[] services = ["ServiceDefaults", "Database", "Messaging", "Gateway", "Orders", "Notifications"];
        var code = string.Concat(
            services.SelectMany(name => DeployFiles.Find($"GoReliable.{name}", "*.cs")).Select(File.ReadAllText)
        );

        // Options are bound by the names of their properties; everything else is asked for by its name, or by that of
        // its list. Service discovery asks for addresses.
        bool IsRead(string[] path) =>
            path[0] == "services"
            || options.Contains(string.Join("__", path))
            || code.Contains($"\"{path[^1]}\"")
            || (path[^1] == "0" && code.Contains($"\"{string.Join(':', path[..^1])}\""));
        Assert.All(settings.Distinct().Except(parts).Except(Standard), name =>
        {
            Assert.True(IsRead(name.Split("__")), $"No service reads {name}.");
            Assert.Contains($"`{name}", Documented);
        });
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
            objects.Only<PodMonitorSpec>().Spec.PodMetricsEndpoints.Single().Relabelings,
            relabeling => relabeling.TargetLabel == "environment"
        );
        Assert.Equal(overlay, relabeling.Replacement);
    }

    [Fact]
    public void Every_option_is_in_the_reference() =>
        Assert.All(Options(), name => Assert.Contains($"`{name}", Documented));

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
