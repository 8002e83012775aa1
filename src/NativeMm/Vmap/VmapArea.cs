using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The record of one range, in lines of its own beside the window. Records are never returned, only used again, so that a reader without a lock reads a
/// record at least; <see cref="Version"/> tells whether it was the same one throughout.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal struct VmapArea
{
    // Owner: whoever moves the area on, as a VmapAreaWord. The steps of a busy area are a CAS by whoever takes them; the rest are release stores by
    // the one thread that the area belongs to at that moment, or by the holder of the pool's lock.
    [FieldOffset(0)]
    public ulong Word;

    // Owner: whoever makes the area or takes it out of a pool, before it is busy; afterwards the holder of the area (Realloc). Start to Flags, but for
    // those in between that say otherwise, are written inside a write of Version alone, so that one version is one owner with one size.
    [FieldOffset(8)]
    public uint Start;

    [FieldOffset(12)]
    public uint Pages;

    [FieldOffset(16)]
    public nuint Bytes;

    // Mappings of the area. A block's is added to by atomic addition.
    [FieldOffset(24)]
    public uint Mappings;

    // The core whose pool the area goes to. Written by the maker, and by a thief once the area is out of the pool and his alone.
    [FieldOffset(28)]
    public uint Home;

    // The next area in the pool or on the free list of records; owner: the holder of that lock.
    [FieldOffset(32)]
    public uint Next;

    // The slot of the block that the area stands for.
    [FieldOffset(36)]
    public uint Slot;

    [FieldOffset(40)]
    public SeqCount Version;

    // Pages that the address was asked to be a multiple of; 0 and 1 for any page.
    [FieldOffset(48)]
    public uint AlignPages;

    [FieldOffset(52)]
    public byte GuardPages;

    [FieldOffset(53)]
    public byte Kind;

    [FieldOffset(54)]
    public ushort Flags;

    /// <summary>All pages of the range, the guard page among them.</summary>
    public readonly PageRange Range => new(Start, Pages + GuardPages);

    /// <summary>Where the range stands, for the one thread that it belongs to, or at rest.</summary>
    public readonly VmapAreaState State => new VmapAreaWord(Word).State;

    /// <summary>The word at this moment, and what was written to the record before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public VmapAreaWord ReadWord() => new(Atomic.LoadAcquire(ref Word)); // [W1] pairs with [W2]

    /// <summary>
    /// Begins the time of a new owner of a range that is made already and is the caller's alone at this moment. Plain stores to a line that the
    /// pool's lock has brought here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginOwner(nuint bytes, VmapFlags flags, nuint alignment)
    {
        Invariant.Assert(State is VmapAreaState.None or VmapAreaState.Pooled, $"A range of {Pages} pages gets an owner and is {State}.");
        Version.BeginWrite();
        Bytes = bytes;
        Flags = (ushort)flags;
        AlignPages = (uint)(alignment >> Pfn.FrameShift);
        Version.EndWrite();
    }

    /// <summary>Moves the range on in the hands of the one thread that it belongs to, or of the holder of the pool's lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MoveTo(VmapAreaState state)
    {
        Invariant.Assert(
            state != VmapAreaState.Busy && new VmapAreaWord(Word) is not { State: VmapAreaState.Busy, IsHeld: false },
            $"The range at page {Start} becomes {state} and is {State}: an owner's range is taken by a step.");
        Atomic.StoreRelease(ref Word, new VmapAreaWord(Word).To(state).Value);
    }

    /// <summary>Takes a step of the owner whose range was found, unless his time is over or he takes another one.</summary>
    /// <param name="step">Which.</param>
    /// <param name="seen">The word that was there when the range was found; what else was read of the record after it is his if this succeeds.</param>
    /// <param name="taken">The word after the step.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryStep(VmapAreaStep step, VmapAreaWord seen, out VmapAreaWord taken)
    {
        VmapAreaWord now = seen;
        while (now.TryTake(step, out taken))
        {
            ulong found = Atomic.CompareExchangeValue(ref Word, now.Value, taken.Value); // [W2] pairs with [W1]
            if (found == now.Value)
            {
                return true;
            }

            now = new VmapAreaWord(found);
            if (now.Generation != seen.Generation)
            {
                return false;
            }
        }

        return false;
    }
}
