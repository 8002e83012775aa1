using NativeMm.Runtime;

namespace NativeMm.Soak.Fuzzing;

/// <summary>A small runtime in which nothing happens by itself, so that a case repeats.</summary>
internal static class FuzzRuntime
{
    public static MemoryRuntime Make() => new(new MemoryRuntimeOptions { Name = "fuzz", CapacityBytes = 64 << 20, BackgroundTrim = false });
}
