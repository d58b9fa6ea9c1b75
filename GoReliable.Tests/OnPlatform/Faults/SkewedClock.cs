using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// The wall clock of some processes, which a test can move while they run. Their monotonic clock is not affected. It
/// needs libfaketime (https://github.com/wolfcw/libfaketime).
/// </summary>
internal sealed class SkewedClock : IDisposable
{
    private static readonly string? Library =
        OperatingSystem.IsLinux() && Directory.Exists("/usr/lib")
            ? Directory
                .EnumerateFiles(
                    "/usr/lib",
                    "libfaketimeMT.so.1",
                    new EnumerationOptions
                    {
                        RecurseSubdirectories = true,
                        MaxRecursionDepth = 2,
                        IgnoreInaccessible = true,
                    }
                )
                .FirstOrDefault()
            : null;

    private readonly string offset = Path.GetTempFileName();

    public SkewedClock() => Set(TimeSpan.Zero);

    /// <summary>Whether this machine can do it.</summary>
    public static bool IsAvailable => Library is not null;

    /// <summary>Whether services that start from now on have this clock, and not the machine's.</summary>
    public bool IsOn { get; set; }

    /// <summary>Lets this clock rule a service, when <see cref="IsOn"/> at its start.</summary>
    public void Rule(IResourceBuilder<ProjectResource> service) =>
        service.WithEnvironment(context =>
        {
            if (!IsOn)
                return;
            context.EnvironmentVariables["LD_PRELOAD"] = Library!;
            context.EnvironmentVariables["FAKETIME_TIMESTAMP_FILE"] = offset;
            // Seconds; without it, the file is read each time that somebody looks at the clock.
            context.EnvironmentVariables["FAKETIME_CACHE_DURATION"] = "1";
            context.EnvironmentVariables["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
            context.EnvironmentVariables["DONT_FAKE_MONOTONIC"] = "1";
            // Or libfaketime 0.9.10 also moves the deadlines of waits that are measured on the other clock: with this
            // clock an hour ahead, each of them ends at once.
            context.EnvironmentVariables["FAKETIME_FORCE_MONOTONIC_FIX"] = "0";
        });

    /// <summary>Sets it before or after the machine's clock, within a second.</summary>
    public void Set(TimeSpan ahead)
    {
        // In one step: half of a number would be another time.
        var next = $"{offset}.next";
        File.WriteAllText(next, string.Create(CultureInfo.InvariantCulture, $"{ahead.TotalSeconds:+0;-0}"));
        File.Move(next, offset, overwrite: true);
    }

    public void Dispose() => File.Delete(offset);
}
