using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Runtime;

public sealed class ManagedMemoryFullTests
{
    /// <summary>A process whose managed heap is full gives everything back, and goes on when there is room again.</summary>
    [LinuxFact]
    public void Everything_can_be_given_back()
    {
        ChildResult child = ChildProcess.Run(
            "managed-memory-full",
            environment:
            [
                // With 32 MiB the collector itself ends the process where the library is not optimized.
                new("DOTNET_GCHeapHardLimit", "0x2800000"),
                new("DOTNET_gcConcurrent", "0"),
                new("DOTNET_TieredCompilation", "0"),
            ]);
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}\n{child.Output}{child.Error}");
    }
}
