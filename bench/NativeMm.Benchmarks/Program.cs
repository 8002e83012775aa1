using BenchmarkDotNet.Running;

// Run from inside the repository, where BenchmarkDotNet finds the project to build:
// dotnet run -c Release --project bench/NativeMm.Benchmarks -- --list flat
// dotnet run -c Release --project bench/NativeMm.Benchmarks -- --filter '*Pool*'
BenchmarkSwitcher.FromAssembly(typeof(NativeMm.Benchmarks.HeapPairBenchmarks).Assembly).Run(args);
