using NativeMm.Lab.Experiments.Idle;
using NativeMm.Lab.Peers;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The blocks of a burst: as many bytes as asked for, each block written, and mixed so that those that stay lie anywhere.</summary>
public sealed class IdleObjectsTests
{
    private const ulong Few = 1 << 18;
    private const ulong Many = 19 * Few;

    [Fact]
    public void A_set_holds_what_was_asked_for_and_can_be_filled_again()
    {
        var objects = new IdleObjects<CheckingAllocator<Whole>, CheckingHandle>(Few);
        for (int round = 0; round < 2; round++)
        {
            objects.Allocate();
            Assert.InRange(objects.UsableBytes, Few, Few + (64 << 10));
            Assert.Equal(0, CheckingAllocator<Whole>.Untouched);
            objects.Free();
            Assert.Equal(0, CheckingAllocator<Whole>.Live);
        }
    }

    [Fact]
    public void Mixed_sets_lie_anywhere_in_one_sequence_and_alike_in_each_run()
    {
        List<bool> first = Mix();
        Assert.Equal(first, Mix());

        // In each of ten parts of the sequence about as many of the few as in the others.
        int part = first.Count / 10;
        double mean = first.Count(isFew => isFew) / 10.0;
        for (int i = 0; i < 10; i++)
        {
            Assert.InRange(first.Skip(i * part).Take(part).Count(isFew => isFew), mean * 0.4, mean * 1.6);
        }
    }

    private static List<bool> Mix()
    {
        OrderedAllocator.Sequence.Clear();
        var few = new IdleObjects<OrderedAllocator, NumberedHandle>(Few);
        var many = new IdleObjects<OrderedAllocator, NumberedHandle>(Many);
        IdleObjects<OrderedAllocator, NumberedHandle>.AllocateMixed(few, many);
        Assert.InRange(few.UsableBytes, Few, Few + (64 << 10));
        Assert.InRange(many.UsableBytes, Many, Many + (64 << 10));
        int all = OrderedAllocator.Sequence.Count;
        many.Free();
        List<bool> isFew = [.. OrderedAllocator.Sequence];
        few.Free();
        Assert.Equal(all, isFew.Count);
        Assert.DoesNotContain(true, OrderedAllocator.Sequence);
        return isFew;
    }

    private readonly struct Whole;

    /// <summary>A block that knows its place in the sequence of allocations.</summary>
    private readonly struct NumberedHandle(int number, nuint bytes) : IBlockHandle
    {
        public int Number { get; } = number;

        public nuint Bytes { get; } = bytes;

        public bool Exists => Bytes != 0;

        public void Touch(nuint offset) => Assert.True(offset < Bytes, "A write outside of the block.");

        public void Write(nuint offset, ulong value) => throw new NotSupportedException();

        public ulong Read(nuint offset) => throw new NotSupportedException();
    }

    /// <summary>Says of each allocation of the test, in order, whether it is live.</summary>
    private readonly struct OrderedAllocator : IAllocatorUnderTest<NumberedHandle>
    {
        public static List<bool> Sequence { get; } = [];

        public static NumberedHandle Alloc(nuint bytes)
        {
            Sequence.Add(true);
            return new NumberedHandle(Sequence.Count - 1, bytes);
        }

        public static NumberedHandle AllocZeroed(nuint bytes) => throw new NotSupportedException();

        public static NumberedHandle AlignedAlloc(nuint bytes, nuint alignment) => throw new NotSupportedException();

        public static NumberedHandle Realloc(NumberedHandle block, nuint bytes) => throw new NotSupportedException();

        public static void Free(NumberedHandle block)
        {
            Assert.True(Sequence[block.Number], "A block was freed twice.");
            Sequence[block.Number] = false;
        }

        public static nuint UsableSize(NumberedHandle block) => block.Bytes;
    }
}
