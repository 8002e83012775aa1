using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Zsmalloc;

public sealed class ZsClassTableTests
{
    [Theory]
    [InlineData(4, 3264, 69)]
    [InlineData(5, 3408, 86)]
    [InlineData(6, 3504, 94)]
    [InlineData(7, 3584, 110)]
    [InlineData(8, 3632, 119)]
    [InlineData(9, 3680, 136)]
    [InlineData(10, 3712, 141)]
    [InlineData(11, 3744, 153)]
    [InlineData(12, 3776, 159)]
    [InlineData(13, 3792, 173)]
    [InlineData(14, 3808, 179)]
    [InlineData(15, 3840, 186)]
    [InlineData(16, 3840, 192)]
    public void Class_count_and_huge_watermark_follow_from_the_longest_chain(int chain, int watermark, int classes)
    {
        var table = new ZsClassTable(chain);
        Assert.Equal(classes, table.Classes.Count);
        Assert.Equal(watermark, table.HugeWatermark);
    }

    [Theory]
    [InlineData(0, 32, 1, 128)]
    [InlineData(1, 48, 3, 256)]
    [InlineData(2, 64, 1, 64)]
    [InlineData(3, 80, 5, 256)]
    [InlineData(4, 96, 3, 128)]
    [InlineData(5, 112, 7, 256)]
    [InlineData(6, 128, 1, 32)]
    [InlineData(7, 144, 7, 199)]
    [InlineData(8, 160, 5, 128)]
    [InlineData(9, 176, 4, 93)]
    [InlineData(10, 192, 3, 64)]
    [InlineData(96, 1568, 5, 13)]
    [InlineData(168, 2720, 2, 3)]
    [InlineData(190, 3072, 3, 4)]
    [InlineData(202, 3264, 4, 5)]
    [InlineData(211, 3408, 5, 6)]
    [InlineData(217, 3504, 6, 7)]
    [InlineData(222, 3584, 7, 8)]
    [InlineData(225, 3632, 8, 9)]
    [InlineData(254, 4096, 1, 1)]
    public void Rows_for_chains_of_eight_are_the_kernels(int index, int bytes, int frames, int objects)
    {
        ZsClass row = Assert.Single(new ZsClassTable(8).Classes, row => row.Index == index);
        Assert.Equal((bytes, frames, objects), (row.Bytes, row.Frames, row.Objects));
    }

    [Fact]
    public void Every_size_fits_its_class_and_not_the_one_before()
    {
        for (int chain = ZsPoolOptions.ChainFramesMin; chain <= ZsPoolOptions.ChainFramesLimit; chain++)
        {
            var table = new ZsClassTable(chain);
            for (int bytes = 1; bytes <= ZsPool.ObjectBytesMax; bytes++)
            {
                int number = table.ClassOf(bytes);
                ZsClass row = table.Classes[number];
                Assert.True(row.IsHuge || bytes + ZsClassTable.HeadBytes <= row.Bytes, $"{bytes} bytes do not fit {row.Bytes}.");
                Assert.True(number == 0 || table.Classes[number - 1].Bytes < bytes + ZsClassTable.HeadBytes, $"{bytes} bytes have {row.Bytes}.");
                Assert.Equal(bytes > table.HugeObjectBytes, row.IsHuge);
            }
        }
    }

    [Fact]
    public void Groups_are_tenths_for_every_count_of_every_class()
    {
        foreach (ZsClass row in Enumerable.Range(4, 13).SelectMany(chain => new ZsClassTable(chain).Classes))
        {
            Assert.InRange(row.Objects, 1, 256);
            Assert.Equal(0u, row.GroupOf(0));
            Assert.Equal((uint)ZsClass.FullGroup, row.GroupOf(row.Objects));
            for (uint used = 1; used < row.Objects; used++)
            {
                Assert.Equal((used * 10 / row.Objects) + 1, row.GroupOf(used));
            }
        }
    }
}
