// Purpose      bounds the frames that faults in flight hold, and keeps the frame of a fault that was in vain for the next one.
// States       a cell: bit 0 held, bit 1 the frame reads as zero, bits 12… the address of the frame that is kept in it, or 0.
// Transitions  free → held: CAS by a fault, which gets the frame. held → free: the holder, with the frame that is left over, or none.
// Ownership    cell | who takes it, then the holder | anybody | CAS; release store | none
// Ordering     [P1] the release store of the holder pairs with [P2], the CAS that takes the cell: what was written to the frame is seen.
// Reuse        only the holder gives a cell back.
// Progress     taking is wait-free: one look at each cell. A thread has a cell of its own as long as there are no more threads than cells.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>A fixed number of permits. Thread-safe.</summary>
internal sealed class FaultPermits
{
    private const ulong Held = 1;
    private const ulong Zero = 2;
    private const int Stride = CacheLine.Isolation / sizeof(ulong);
    private const int SamplePeriod = 64;

    private readonly ulong[] _cells;
    private int _peak;

    /// <summary>Makes free permits.</summary>
    public FaultPermits(int count)
    {
        Count = count;
        _cells = new ulong[(count + 1) * Stride];
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>Most that were seen in use.</summary>
    public int Peak => Atomic.LoadAcquire(in _peak);

    /// <summary>How many are in use.</summary>
    public int InUse
    {
        get
        {
            int used = 0;
            for (int i = 0; i < Count; i++)
            {
                used += (Atomic.LoadAcquire(in Cell(i)) & Held) != 0 ? 1 : 0;
            }

            return used;
        }
    }

    /// <summary>Frames that are kept for the next faults.</summary>
    public int KeptFrames
    {
        get
        {
            int kept = 0;
            for (int i = 0; i < Count; i++)
            {
                kept += Atomic.LoadAcquire(in Cell(i)) > LeafEntry.FlagMask ? 1 : 0;
            }

            return kept;
        }
    }

    /// <summary>Takes a permit, and the frame that is kept with it.</summary>
    /// <param name="home">Where to begin: a thread's own number.</param>
    /// <param name="permit">The permit.</param>
    public bool TryTake(int home, ref FaultPermit permit)
    {
        for (int i = 0; i < Count; i++)
        {
            int index = (int)((uint)(home + i) % (uint)Count);
            ulong word = Atomic.LoadAcquire(in Cell(index));
            if ((word & Held) == 0 && Atomic.CompareExchange(ref Cell(index), word, Held)) // [P2] pairs with [P1]
            {
                Invariant.Assert(
                    permit.Cell < 0 && permit.Frame == 0,
                    $"A fault that has permit {permit.Cell} and a frame at 0x{permit.Frame:x} takes another.");
                permit.Cell = index;
                permit.Frame = (nuint)(word & ~LeafEntry.FlagMask);
                permit.IsZero = (word & Zero) != 0;
                if (i != 0)
                {
                    NotePeak();
                }

                return true;
            }
        }

        NotePeak();
        return false;
    }

    /// <summary>Gives a permit back, with the frame that was not used.</summary>
    public void Return(ref FaultPermit permit)
    {
        if (permit.Cell >= 0)
        {
            Invariant.Assert(Atomic.LoadAcquire(in Cell(permit.Cell)) == Held, $"Permit {permit.Cell} is given back and is not held.");
            Invariant.Assert((permit.Frame & (nuint)LeafEntry.FlagMask) == 0, $"Permit {permit.Cell} is given back with a frame at 0x{permit.Frame:x}.");
            Invariant.Assert(permit.Charge == 0, $"Permit {permit.Cell} is given back with charge {permit.Charge}.");
            ulong word = permit.Frame | (permit.IsZero && permit.Frame != 0 ? Zero : 0);
            Atomic.StoreRelease(ref Cell(permit.Cell), word); // [P1] pairs with [P2]
            permit.Cell = -1;
            permit.Frame = 0;
        }
    }

    /// <summary>Takes the frame that is kept in a free cell, for whoever needs it more.</summary>
    /// <param name="index">The cell.</param>
    /// <returns>The frame's address, or 0.</returns>
    public nuint TakeKept(int index)
    {
        ulong word = Atomic.LoadAcquire(in Cell(index));
        return (word & Held) == 0 && word != 0 && Atomic.CompareExchange(ref Cell(index), word, 0) // [P2] pairs with [P1]
            ? (nuint)(word & ~LeafEntry.FlagMask)
            : 0;
    }

    /// <summary>Looks how many are in use, for the peak, now and then.</summary>
    public void Sample(ref int turn)
    {
        if (++turn % SamplePeriod == 0)
        {
            NotePeak();
        }
    }

    /// <summary>Looks how many are in use, for the peak.</summary>
    public void NotePeak()
    {
        int used = InUse;
        int peak = Peak;
        while (used > peak && !Atomic.CompareExchange(ref _peak, peak, used))
        {
            peak = Peak;
        }
    }

    private ref ulong Cell(int index) => ref _cells[(index + 1) * Stride];
}
