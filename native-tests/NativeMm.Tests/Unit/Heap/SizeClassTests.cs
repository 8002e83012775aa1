using System.Runtime.InteropServices;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed unsafe class SizeClassTests : IDisposable
{
    private readonly ThreadCache* _cache;

    public SizeClassTests()
    {
        _cache = (ThreadCache*)NativeMemory.AllocZeroed(ThreadCache.Bytes);
        SizeClass.FillSmall(ThreadCache.SmallClasses(_cache));
    }

    public void Dispose() => NativeMemory.Free(_cache);

    [Fact]
    public void Every_size_finds_the_smallest_class_that_holds_it()
    {
        nuint expected = 0;
        for (nuint bytes = 1; bytes <= SizeClass.BytesMax; bytes++)
        {
            expected += new SizeClass((int)expected).BlockBytes < bytes ? (nuint)1 : 0;
            if (SizeClass.IndexOfLast(bytes - 1) != expected || !ThreadCache.TryFindClass(_cache, bytes, out nuint found) || found != expected)
            {
                Assert.Fail($"{bytes} bytes do not find class {expected} of {new SizeClass((int)expected).BlockBytes} bytes.");
            }
        }

        Assert.Equal((nuint)SizeClass.Count - 1, expected);
    }

    [Fact]
    public void Nothing_and_too_much_are_told_apart()
    {
        Assert.True(ThreadCache.TryFindClass(_cache, 0, out nuint none));
        Assert.Equal(0u, none);
        Assert.False(ThreadCache.TryFindClass(_cache, SizeClass.BytesMax + 1, out _));
        Assert.False(ThreadCache.TryFindClass(_cache, (nuint)1 << 40, out _));
        Assert.False(ThreadCache.TryFindClass(_cache, nuint.MaxValue, out _));
    }

    [Fact]
    public void Classes_grow_by_sixteen_bytes_or_an_eighth()
    {
        Assert.Equal(120, SizeClass.Count);
        nuint previous = 0;
        for (int i = 0; i < SizeClass.Count; i++)
        {
            nuint bytes = new SizeClass(i).BlockBytes;
            Assert.Equal(0u, bytes % 16);
            Assert.True(bytes > previous && bytes - previous <= Math.Max(16, previous / 8), $"Class {i}: {previous} → {bytes}");
            Assert.Equal(i, SizeClass.ForBytes(bytes).Value);
            previous = bytes;
        }

        Assert.Equal((nuint)SizeClass.BytesMax, previous);
    }
}
