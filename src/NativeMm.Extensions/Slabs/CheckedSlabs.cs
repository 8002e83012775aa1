using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>
/// The checked mode of a store: an owner of its own for each rent, returned blocks that are painted and kept back for a while, and stacks. Thread-safe.
/// </summary>
internal sealed class CheckedSlabs(SlabStore store)
{
    private const byte Paint = 0xDD;
    private const int KeptMax = 128;
    private const long KeptBytesMax = 16 << 20;

    // Large enough for those above the most that threads are about to release: a return needs no managed memory then.
    private readonly Queue<SlabBlock> _kept = new(4 * KeptMax);
    private SleepLock _lock;
    private long _keptBytes;
    private long _rents;
    private long _extraReturns;
    private long _forgotten;

    /// <summary>Disposals of what was disposed.</summary>
    public long ExtraReturns => Atomic.LoadAcquire(ref _extraReturns);

    /// <summary>Rents that the garbage collector ended.</summary>
    public long Forgotten => Atomic.LoadAcquire(ref _forgotten);

    /// <summary>The store's name in messages.</summary>
    public string StoreName => store.Name;

    /// <summary>Takes a block.</summary>
    public CheckedSlabOwner Rent(int bytes)
    {
        int interval = store.Options.StackSampleInterval;
        bool isSampled = interval != 0 && (Atomic.Add(ref _rents, 1) - 1) % interval == 0;
        StackTrace? stack = isSampled ? AllocationStack.Capture() : null;
        SlabBlock block = store.Rent(bytes);
        try
        {
            return new CheckedSlabOwner(this, block, stack);
        }
        catch (OutOfMemoryException)
        {
            store.Return(block);
            throw;
        }
    }

    /// <summary>Paints a block and keeps it back.</summary>
    public void Return(SlabBlock block)
    {
        block.Memory.Span.Fill(Paint);
        try
        {
            using (_lock.EnterScope())
            {
                _kept.Enqueue(block);
                _keptBytes += block.Memory.Length;
            }
        }
        catch (OutOfMemoryException)
        {
            // It is not kept back, so a write after its return is not seen.
            block.LastRent = null;
            store.Return(block);
        }

        // One comes, so one goes as a rule; a large one may push several out.
        Release(KeptMax, KeptBytesMax);
    }

    /// <summary>Looks at all blocks that are kept back and lets them go.</summary>
    /// <exception cref="MemoryFaultException">One was written to after its return. It has left; the others after it have not, and a further call goes on.</exception>
    public void Release() => Release(0, 0);

    private void Release(int countMax, long bytesMax)
    {
        while (true)
        {
            SlabBlock? leaving;
            using (_lock.EnterScope())
            {
                leaving = TakeOldest(countMax, bytesMax);
            }

            if (leaving is null)
            {
                return;
            }

            Leave(leaving);
        }
    }

    /// <summary>A second disposal.</summary>
    public void ThrowDoubleReturn(CheckedSlabOwner owner)
    {
        Atomic.Add(ref _extraReturns, 1);
        MemoryFault.Throw(
            MemoryFaultKind.DoubleFree,
            owner.Address,
            $"Double return: a buffer of {owner.Length} bytes of the pool '{store.Name}' was returned already. Two owners returned it, or one returned it twice."
            + AllocationStack.Paragraph("It was rented here:", owner.RentStack)
            + AllocationStack.Paragraph("It was returned here:", owner.ReturnStack));
    }

    /// <summary>A rent that nobody ended; by the finalizer.</summary>
    public void Forget(CheckedSlabOwner owner, SlabBlock block)
    {
        Atomic.Add(ref _forgotten, 1);
        NativeMmEventSource.Log.MemoryFault(
            MemoryFaultKind.Leak,
            owner.Address,
            $"Leak: a buffer of {owner.Length} bytes of the pool '{store.Name}' was never returned; the garbage collector found it."
            + AllocationStack.Paragraph("It was rented here:", owner.RentStack));
        store.Return(block);
    }

    private SlabBlock? TakeOldest(int countMax, long bytesMax)
    {
        if (_kept.Count == 0 || (_kept.Count <= countMax && _keptBytes <= bytesMax))
        {
            return null;
        }

        SlabBlock block = _kept.Dequeue();
        _keptBytes -= block.Memory.Length;
        return block;
    }

    private void Leave(SlabBlock block)
    {
        CheckedSlabOwner owner = block.LastRent!;
        block.LastRent = null;
        int written = block.Memory.Span.IndexOfAnyExcept(Paint);
        store.Return(block);
        if (written >= 0)
        {
            MemoryFault.Throw(
                MemoryFaultKind.UseAfterFree,
                owner.Address + (nuint)written,
                $"Write after return: byte {written} of a buffer of {owner.Length} bytes of the pool '{store.Name}' changed after it was returned. "
                + "Somebody keeps its memory."
                + AllocationStack.Paragraph("It was rented here:", owner.RentStack)
                + AllocationStack.Paragraph("It was returned here:", owner.ReturnStack));
        }
    }
}
