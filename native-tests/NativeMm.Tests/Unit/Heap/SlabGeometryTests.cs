using NativeMm.Heap;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class SlabGeometryTests
{
    [Fact]
    public void Every_offset_finds_its_block()
    {
        for (int i = 0; i < SizeClass.Count; i++)
        {
            ref readonly SlabGeometry geometry = ref SlabGeometry.Of(new SizeClass(i));
            for (nuint offset = 0; offset < geometry.Order.Bytes; offset++)
            {
                if (geometry.BlockAt(offset) != (int)(offset / geometry.BlockBytes))
                {
                    Assert.Fail($"{geometry.BlockBytes}-byte class, offset {offset}: block {geometry.BlockAt(offset)}.");
                }
            }
        }
    }

    [Fact]
    public void Slabs_hold_what_they_say()
    {
        for (int i = 0; i < SizeClass.Count; i++)
        {
            ref readonly SlabGeometry geometry = ref SlabGeometry.Of(new SizeClass(i));
            Assert.Equal((uint)new SizeClass(i).BlockBytes, geometry.BlockBytes);
            Assert.InRange(geometry.Blocks, 1, SlabGeometry.BlocksMax);
            Assert.True((ulong)geometry.Blocks * geometry.BlockBytes <= geometry.Order.Bytes);
            Assert.True(geometry.IsRun || (geometry.Order.Bytes - ((ulong)geometry.Blocks * geometry.BlockBytes)) < geometry.BlockBytes);
            Assert.InRange(geometry.BatchCount, 1, SlabGeometry.BatchMax);
            Assert.Equal(geometry.IsRun ? 0 : 2 * geometry.BatchCount, geometry.MagazineCapacityAtFirst);
            Assert.Equal(geometry.IsRun, geometry.StockedBatches == 0);
            Assert.Equal(geometry.IsRun, geometry.BlockBytes > SlabSpace.GranuleBytes / 2);
            Assert.True(geometry.Order.Value >= 4 && geometry.Order.Value <= Order.Huge.Value);
        }
    }
}
