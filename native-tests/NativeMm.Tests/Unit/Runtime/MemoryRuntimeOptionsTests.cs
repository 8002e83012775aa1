using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed class MemoryRuntimeOptionsTests
{
    public static TheoryData<MemoryRuntimeOptions, string, string> Wrong => new()
    {
        { new() { CapacityBytes = 1 }, nameof(MemoryRuntimeOptions.CapacityBytes), "67108864 to 8796093022208" },
        { new() { CapacityBytes = (64 << 20) - 1 }, nameof(MemoryRuntimeOptions.CapacityBytes), "67108864 to" },
        { new() { CapacityBytes = (8UL << 40) + 1 }, nameof(MemoryRuntimeOptions.CapacityBytes), "to 8796093022208" },
        { new() { Vmap = new VmapOptions { CapacityBytes = (4 << 20) - 1 } }, nameof(VmapOptions.CapacityBytes), "4194304 to 8796093022208" },
        { new() { Vmap = new VmapOptions { MappingsMax = 15 } }, nameof(VmapOptions.MappingsMax), "16 to" },
        { new() { Vmap = new VmapOptions { Purge = new LazyPurgePolicy { LazyPiecesMax = 0 } } }, nameof(LazyPurgePolicy.LazyPiecesMax), "1 to" },
        { new() { FrameAllocator = (FrameAllocatorKind)2 }, nameof(MemoryRuntimeOptions.FrameAllocator), "LockFree or Buddy" },
        { new() { FrameAllocator = (FrameAllocatorKind)(-1) }, nameof(MemoryRuntimeOptions.FrameAllocator), "LockFree or Buddy" },
        { new() { PurgeDelay = TimeSpan.FromMilliseconds(9.999) }, nameof(MemoryRuntimeOptions.PurgeDelay), "10 ms to 1 h" },
        { new() { PurgeDelay = TimeSpan.FromHours(1.001) }, nameof(MemoryRuntimeOptions.PurgeDelay), "10 ms to 1 h" },
        { new() { PurgeDelay = TimeSpan.FromTicks(-1) }, nameof(MemoryRuntimeOptions.PurgeDelay), "10 ms to 1 h" },
        { new() { Checked = new CheckedOptions { RedZoneBytes = 0 } }, nameof(CheckedOptions.RedZoneBytes), "1 to 65536" },
    };

    public static TheoryData<MemoryRuntimeOptions> Right => new()
    {
        new MemoryRuntimeOptions(),
        new MemoryRuntimeOptions { CapacityBytes = 64 << 20 },
        new MemoryRuntimeOptions { CapacityBytes = 8UL << 40 },
        new MemoryRuntimeOptions { PurgeDelay = TimeSpan.FromMilliseconds(10) },
        new MemoryRuntimeOptions { PurgeDelay = TimeSpan.FromHours(1) },
        new MemoryRuntimeOptions { LargeRetainBytesMax = 0 },
        new MemoryRuntimeOptions { LargeRetainBytesMax = ulong.MaxValue },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_value_out_of_range_is_named_with_its_range(MemoryRuntimeOptions options, string name, string range)
    {
        foreach (Action use in (Action[])[options.Validate, () => MemoryRuntime.ConfigureShared(options), () => new MemoryRuntime(options).Dispose()])
        {
            ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(use);
            Assert.Equal(name, refused.ParamName);
            Assert.Contains(range, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Right))]
    public void The_bounds_themselves_are_allowed(MemoryRuntimeOptions options) => options.Validate();

    [Fact]
    public void Null_is_refused() => Assert.Throws<ArgumentNullException>(() => MemoryRuntime.ConfigureShared(null!));
}
