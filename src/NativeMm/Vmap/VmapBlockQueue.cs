using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The blocks of one core, under one lock: the one that is cut from, and those that wait for their last map to end. The blocks are linked themselves:
/// to put one in needs no managed memory.
/// </summary>
internal sealed class VmapBlockQueue
{
    /// <summary>Guards everything of this queue and of its blocks.</summary>
    public SleepLock Lock;

    /// <summary>The newest of all blocks that were not given up.</summary>
    public VmapBlock? First { get; private set; }

    /// <summary>The block that is cut from, or null.</summary>
    public VmapBlock? Current { get; set; }

    /// <summary>The next block of the one walk that may be under way, which <see cref="Remove"/> moves along; owner: the holder of the purge lock.</summary>
    public VmapBlock? Walk { get; set; }

    /// <summary>Puts a block in.</summary>
    public void Add(VmapBlock block)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && !block.IsQueued && block.Next is null, $"Block {block.Record} is put into a queue and is in one.");
        block.Next = First;
        block.IsQueued = true;
        First = block;
    }

    /// <summary>Takes a block out.</summary>
    /// <returns>Whether it was in.</returns>
    public bool Remove(VmapBlock block)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && !ReferenceEquals(Current, block), $"Block {block.Record} leaves its queue and is still cut from.");
        Invariant.Assert(ReferenceEquals(block.Queue, this), $"Block {block.Record} leaves a queue that is not its own.");
        if (!block.IsQueued)
        {
            return false;
        }

        if (ReferenceEquals(First, block))
        {
            First = block.Next;
        }
        else
        {
            VmapBlock? before = First;
            while (before is not null && !ReferenceEquals(before.Next, block))
            {
                before = before.Next;
            }

            if (before is null)
            {
                return false;
            }

            before.Next = block.Next;
        }

        Walk = ReferenceEquals(Walk, block) ? block.Next : Walk;
        block.Next = null;
        block.IsQueued = false;
        return true;
    }
}
