using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class SizeClassTests
{
    private static readonly nuint s_table = SmallPlaces.Make();

    [Fact]
    public void Every_size_finds_the_smallest_class_that_holds_it()
    {
        nuint expected = 0;
        for (nuint bytes = 1; bytes <= SizeClass.BytesMax; bytes++)
        {
            expected += new SizeClass((int)expected).BlockBytes < bytes ? (nuint)1 : 0;
            if (SizeClass.IndexOfLast(bytes - 1) != expected || (bytes <= SizeClass.SmallBytesMax && SmallClassOf(bytes) != expected))
            {
                Assert.Fail($"{bytes} bytes do not find class {expected} of {new SizeClass((int)expected).BlockBytes} bytes.");
            }
        }

        Assert.Equal((nuint)SizeClass.Count - 1, expected);
    }

    [Fact]
    public void The_bytes_of_the_class_of_a_size_are_known_without_the_class()
    {
        for (nuint bytes = 1; bytes <= SizeClass.BytesMax; bytes++)
        {
            if (SizeClass.BlockBytesFor(bytes) != SizeClass.ForBytes(bytes).BlockBytes)
            {
                Assert.Fail($"{bytes} bytes are said to take {SizeClass.BlockBytesFor(bytes)}.");
            }
        }
    }

    [Fact]
    public void Nothing_counts_as_one_byte() => Assert.Equal(0u, SmallClassOf(0));

    /// <summary>The class that the table's place stands for.</summary>
    private static nuint SmallClassOf(nuint bytes) => SmallPlaces.Of(s_table, bytes) - ThreadCache.PlaceOf(new SizeClass(0));

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
