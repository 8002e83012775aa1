// Purpose      the blocks of one stream at a time, and the finalizer that finds a stream which nobody disposed.
// States       idle: with a thread, without blocks. Held: by one stream, and by nobody else. Ended: the finalizer has returned the blocks; it is not used again.
// Transitions  idle → held by the thread that it waits with; held → idle by the one disposal of the stream that takes it out of the stream [A1]; held → ended
//              by the finalizer, when nobody has the stream any more.
//              One that was held before has an array of its own for what fits in it: a short stream then takes nothing from a pool.
// Ownership    all fields belong to whoever uses the stream, one at a time; the finalizer comes after all of them.
// Reuse        a stream lets go of it at its disposal, for good: what is late finds none.
// Progress     no lock and no loop over other threads.

using System.Buffers;
using NativeMm.Slabs;

namespace NativeMm.Buffers;

/// <summary>
/// What a stream has: its blocks, and a finalizer. Objects with a finalizer are dear to make, so one waits with each thread for the next stream; the stream itself
/// is a plain object. Only the stream that holds it uses it.
/// </summary>
internal sealed class StreamBlocks
{
    private const int FirstItems = 4;
    private const int SpareItemsMax = 64;

    /// <summary>Bytes of the array of its own.</summary>
    public const int OwnBytes = 4096;

    [ThreadStatic]
    private static StreamBlocks? t_spare;

    // Made when it is held for the second time: one that serves one stream alone, because another thread disposes what this one makes, has no use for it.
    private byte[]? _own;
    private bool _wasHeld;

    /// <summary>The blocks, in order; what follows <see cref="Count"/> is nothing.</summary>
    public StreamBlock[] Items = new StreamBlock[FirstItems];

    /// <summary>How many there are.</summary>
    public int Count;

    /// <summary>Whether the finalizer has returned the blocks: a stream that another finalizer still uses has none.</summary>
    public bool IsEnded;

    /// <summary>What was handed out for a write that does not lie in one block.</summary>
    public IMemoryOwner<byte>? Scratch;

    /// <summary>Returns the blocks of a forgotten stream.</summary>
    ~StreamBlocks()
    {
        IsEnded = true;
        if (Count != 0)
        {
            ForgottenBuffers.Add((nuint)Room);
        }

        for (int i = 0; i < Count; i++)
        {
            ReturnForgotten(Items[i].Owner);
        }

        ReturnForgotten(Scratch);
        Count = 0;
        Scratch = null;
    }

    /// <summary>Bytes that have blocks.</summary>
    public long Room => Count == 0 ? 0 : Items[Count - 1].End;

    /// <summary>The one that waits with this thread, or a new one.</summary>
    public static StreamBlocks Take()
    {
        StreamBlocks? spare = t_spare;
        if (spare is null || spare.IsEnded)
        {
            return new StreamBlocks();
        }

        t_spare = null;
        return spare;
    }

    /// <summary>Returns all blocks, and itself to this thread. By who took it out of its stream.</summary>
    public void PutBack()
    {
        ReturnFrom(0);
        Scratch?.Dispose();
        Scratch = null;
        if (!IsEnded && t_spare is null && Items.Length <= SpareItemsMax)
        {
            _wasHeld = true;
            t_spare = this;
        }
        else
        {
#pragma warning disable CA1816 // It is dropped, not disposed.
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
        }
    }

    /// <summary>Begins with the array of its own, if it has a use for one.</summary>
    /// <exception cref="OutOfMemoryException">There is no managed memory for it.</exception>
    public bool TryAddOwn()
    {
        if (!_wasHeld)
        {
            return false;
        }

        Items[0] = new StreamBlock(_own ??= GC.AllocateUninitializedArray<byte>(OwnBytes));
        Count = 1;
        return true;
    }

    /// <summary>Adds a block behind the others.</summary>
    public void Add(NativeBufferPool pool, int bytes)
    {
        if (Count == Items.Length)
        {
            Array.Resize(ref Items, Count * 2);
        }

        Items[Count] = new StreamBlock(pool.RentMemory(bytes), Room);
        Count++;
    }

    /// <summary>Returns the blocks from a number on.</summary>
    public void ReturnFrom(int count)
    {
        while (Count > count)
        {
            Count--;
            IMemoryOwner<byte>? owner = Items[Count].Owner;
            Items[Count] = default;
            owner?.Dispose();
        }
    }

    /// <summary>The number of the block that a position lies in; it must be below <see cref="Room"/>. Changes nothing.</summary>
    public int IndexOf(long position)
    {
        (int low, int high) = (0, Count - 1);
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            (low, high) = Items[middle].Start <= position ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>An owner of the checked mode has a finalizer of its own, which tells who rented it.</summary>
    private static void ReturnForgotten(IMemoryOwner<byte>? owner)
    {
        if (owner is SlabBlock)
        {
            owner.Dispose();
        }
    }
}
