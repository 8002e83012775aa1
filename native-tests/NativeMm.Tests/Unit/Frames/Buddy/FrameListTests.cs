using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

public sealed unsafe class FrameListTests
{
    [Theory]
    [InlineData(0, "01234")]
    [InlineData(1, "12340")]
    [InlineData(4, "40123")]
    public void Turning_brings_a_block_to_the_front(uint front, string expected)
    {
        PageFrame* frames = stackalloc PageFrame[8];
        FrameList list = Make(frames, 5);
        list.RotateTo(frames, new Pfn(front));
        AssertIs(expected, list, frames);
    }

    [Fact]
    public void Turning_a_single_block_changes_nothing()
    {
        PageFrame* frames = stackalloc PageFrame[8];
        FrameList list = Make(frames, 1);
        list.RotateTo(frames, new Pfn(0));
        AssertIs("0", list, frames);
    }

    [Theory]
    [InlineData(0, "701234")]
    [InlineData(2, "017234")]
    [InlineData(4, "012374")]
    public void A_block_goes_before_any_other(uint next, string expected)
    {
        PageFrame* frames = stackalloc PageFrame[8];
        FrameList list = Make(frames, 5);
        list.AddBefore(frames, new Pfn(next), new Pfn(7));
        AssertIs(expected, list, frames);
    }

    private static FrameList Make(PageFrame* frames, uint blocks)
    {
        new Span<PageFrame>(frames, 8).Clear();
        FrameList list = default;
        for (uint f = 0; f < blocks; f++)
        {
            list.AddTail(frames, new Pfn(f));
        }

        return list;
    }

    private static void AssertIs(string expected, FrameList list, PageFrame* frames)
    {
        string forwards = string.Empty;
        for (Pfn f = list.Head; f != Pfn.None; f = FrameList.Next(frames, f))
        {
            forwards += f.Value;
        }

        string backwards = string.Empty;
        for (Pfn f = list.Tail; f != Pfn.None; f = FrameList.Previous(frames, f))
        {
            backwards = f.Value + backwards;
        }

        Assert.Equal(expected, forwards);
        Assert.Equal(expected, backwards);
        Assert.Equal((uint)expected.Length, list.Count);
    }
}
