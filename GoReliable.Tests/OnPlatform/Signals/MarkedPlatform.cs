using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>
/// A platform whose passwords and keys contain a marker, and whose services log at every level.
/// </summary>
internal static class MarkedPlatform
{
    /// <summary>The marker in all customer data.</summary>
    public const string Person = "m4rk3d";

    /// <summary>The marker in all passwords and in the signing key.</summary>
    public const string Secret = "s3cr3t";

    /// <summary>In Base64, as it is configured.</summary>
    public static readonly string SigningKey = string.Concat(Enumerable.Repeat($"{Secret}00", 6));

    public static readonly string[] Services = ["gateway", "orders", "notifications"];

    /// <param name="mailPort">Of the server that it sends e-mails to, with a password.</param>
    /// <param name="output">Gets what its services write.</param>
    public static Task<GoReliablePlatform> StartAsync(int mailPort, ResourceOutput output) =>
        GoReliablePlatform.StartAsync(
            configure: builder => Configure(builder, mailPort, output),
            resourceLogging: true
        );

    private static void Configure(IDistributedApplicationTestingBuilder builder, int mailPort, ResourceOutput output)
    {
        builder.Services.AddSingleton<ILoggerProvider>(output);
        builder.Configuration["Parameters:postgres-password"] = $"{Secret}-of-postgres";
        builder.Configuration["Parameters:messaging-password"] = $"{Secret}-of-messaging";
        builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"] = SigningKey;
        builder
            .CreateResourceBuilder<ProjectResource>("notifications")
            .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
            .WithEnvironment("Email__Smtp__Port", mailPort.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("Email__Smtp__Security", "None")
            .WithEnvironment("Email__Smtp__User", $"{Secret}-user")
            .WithEnvironment("Email__Smtp__Password", $"{Secret}-of-smtp");
        foreach (var service in Services)
        {
            builder
                .CreateResourceBuilder<ProjectResource>(service)
                .WithEnvironment("Logging__LogLevel__Default", "Trace")
                .WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore", "Trace")
                .WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Trace")
                .WithEnvironment("Logging__LogLevel__Npgsql", "Trace")
                .WithEnvironment("Logging__LogLevel__Yarp", "Trace")
                .WithEnvironment("Logging__OpenTelemetry__LogLevel__Default", "Trace");
        }
    }
}
