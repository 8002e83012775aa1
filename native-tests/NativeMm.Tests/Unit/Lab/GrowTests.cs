using NativeMm.Lab.Experiments.Grow;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class GrowTests
{
    [Fact]
    public void A_block_grows_and_keeps_what_was_written()
    {
        Measurement found = new GrowMeasurement(1 << 20, 4096, pin: false).Visit<NativeMmAllocator, AddressHandle>();
        Assert.InRange(found.Metrics["ns_per_op"], 1, 1e9);
        Assert.Equal(found.Metrics["ns_per_op"] * 256 / 1e9, found.Metrics["seconds"], 1e-9);
    }

    [Fact]
    public void A_block_that_loses_its_content_fails_the_measurement() => Assert.Throws<InvalidOperationException>(
        () => new GrowMeasurement(1 << 20, 4096, pin: false).Visit<Forgetful, AddressHandle>());

    /// <summary>A reallocation without the copy.</summary>
    private readonly unsafe struct Forgetful : IAllocatorUnderTest<AddressHandle>
    {
        public static AddressHandle Alloc(nuint bytes) => AllocZeroed(bytes);

        public static AddressHandle AllocZeroed(nuint bytes) => new(System.Runtime.InteropServices.NativeMemory.AllocZeroed(bytes));

        public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => Alloc(bytes);

        public static AddressHandle Realloc(AddressHandle block, nuint bytes)
        {
            Free(block);
            return Alloc(bytes);
        }

        public static void Free(AddressHandle block) => System.Runtime.InteropServices.NativeMemory.Free(block.Address);

        public static nuint UsableSize(AddressHandle block) => 0;
    }
}
