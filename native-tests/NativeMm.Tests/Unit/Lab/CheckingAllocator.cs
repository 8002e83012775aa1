using System.Collections.Concurrent;
using NativeMm.Lab.Peers;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>
/// An allocator that notices a free of what it has not given and a write outside of a block, and keeps count. One type argument is one
/// account, so that tests do not see each other's blocks.
/// </summary>
internal readonly struct CheckingAllocator<TAccount> : IAllocatorUnderTest<CheckingHandle>
{
    private static readonly ConcurrentDictionary<CheckedBlock, int> s_live = new(ReferenceEqualityComparer.Instance);
    private static int s_allocations;
    private static int s_aligned;

    public static int Live => s_live.Count;

    public static int Allocations => s_allocations;

    public static int AlignedAllocations => s_aligned;

    /// <summary>Blocks of which nobody wrote the first and last byte.</summary>
    public static int Untouched => s_live.Keys.Count(b => b.Bytes > 0 && !(b.FirstTouched && b.LastTouched));

    public static CheckingHandle Alloc(nuint bytes)
    {
        Interlocked.Increment(ref s_allocations);
        var block = new CheckedBlock(bytes);
        Assert.True(s_live.TryAdd(block, Environment.CurrentManagedThreadId));
        return new CheckingHandle(block);
    }

    public static CheckingHandle AllocZeroed(nuint bytes) => Alloc(bytes);

    public static CheckingHandle AlignedAlloc(nuint bytes, nuint alignment)
    {
        Interlocked.Increment(ref s_aligned);
        return Alloc(bytes);
    }

    public static CheckingHandle Realloc(CheckingHandle block, nuint bytes)
    {
        Free(block);
        return Alloc(bytes);
    }

    public static void Free(CheckingHandle block)
    {
        Assert.NotNull(block.Block);
        Assert.True(s_live.TryRemove(block.Block, out _), "A block was freed that is not live.");
        Assert.True(block.Block.Bytes == 0 || (block.Block.FirstTouched && block.Block.LastTouched), "A block was not written before it was freed.");
    }

    public static nuint UsableSize(CheckingHandle block) => block.Block!.Bytes;
}
