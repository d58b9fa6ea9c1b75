using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using GoReliable.Bench;

// dotnet run -c Release --project bench -- --filter '*'
// In process: the project that BenchmarkDotNet would generate inherits this repository's warnings as errors.
BenchmarkSwitcher
    .FromAssembly(typeof(RequestRecording).Assembly)
    .Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
