// Purpose      what the page tables say of one page, in one word, so that an access which hits is decided by one test and the word is the address.
// States       present:  bits 12… address of the frame | bit 6 Leaving | 5 Zero | 4 NotWritable | 3 NotDirty | 2 Moving | 1 NotAccessed | 0 NotPresent = 0
//              absent:   bit 0 NotPresent = 1 | bits 1 and 3 the kind | bit 2 Moving | bits 4 to 15 history of the replacement policy
//                        Empty: nothing else. SameFilled: bits 32… the value. Swapped: bits 16… the slot.
//              The flags of a present page are inverted: a page that may be written at once has none, so that the word is the frame's address.
//              Moving, present: somebody copies the page. With Leaving it is the reclaimer, who gives up when the flags are gone; else wait for him.
//              Leaving never goes without NotDirty, and Zero never without NotWritable: what hits for writing has no flag at all.
//              Moving, absent: somebody loads the page, and the slot is his: who removes the entry leaves the slot to him.
// Transitions  all under the lock of the table (TableHead), by plain stores with release; readers load without it.
// Ordering     [T1] the store of an entry is a release and pairs with [T2], the load of an access, on which the access of the frame depends: who sees
//              the address of a frame sees what was written to it before.
// Reuse        an access protects what it found by a hazard (AccessSlot); see there. Two equal words mean the same state: a slot is freed by whoever
//              holds it, a frame by whoever took it out, and both not before they looked at the hazards.
// Source       AIFM's pointer (OSDI'20) for the inverted flags.

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Entry of a leaf table. A value; its transitions are pure.</summary>
internal readonly struct LeafEntry(ulong word) : IEquatable<LeafEntry>
{
    /// <summary>The page is in no frame.</summary>
    public const ulong NotPresent = 1;

    /// <summary>The page was not touched since the flag was set; the next touch takes the slow path.</summary>
    public const ulong NotAccessed = 2;

    /// <summary>Somebody copies or loads the page.</summary>
    public const ulong Moving = 4;

    /// <summary>The page was not written since the flag was set.</summary>
    public const ulong NotDirty = 8;

    /// <summary>The page must not be written: its area forbids it, or the frame is shared.</summary>
    public const ulong NotWritable = 16;

    /// <summary>The page is the zero page.</summary>
    public const ulong Zero = 32;

    /// <summary>The one who moves the page is the reclaimer, and can be told not to.</summary>
    public const ulong Leaving = 64;

    /// <summary>A page hits for reading when none of these is set.</summary>
    public const ulong ReadMiss = NotPresent | NotAccessed | Moving;

    /// <summary>A page hits for writing when none of these is set.</summary>
    public const ulong WriteMiss = ReadMiss | NotDirty | NotWritable;

    /// <summary>What is not the address of a frame in a present entry.</summary>
    public const ulong FlagMask = Pfn.FrameBytes - 1;

    /// <summary>Largest history of a replacement policy.</summary>
    public const uint HistoryMax = 0xfff;

    /// <summary>Largest number of a swap slot.</summary>
    public const ulong SlotMax = (1UL << 48) - 1;

    private const ulong SameFilledKind = 2;
    private const ulong SwappedKind = 8;
    private const int HistoryShift = 4;
    private const int ValueShift = 32;
    private const int SlotShift = 16;

    /// <summary>Nothing was ever written to the page.</summary>
    public static LeafEntry Empty => new(NotPresent);

    /// <summary>What the entries of a range say that is being collapsed.</summary>
    public static LeafEntry Collapsing => new(NotPresent | Moving);

    /// <summary>The bits.</summary>
    public ulong Word { get; } = word;

    /// <summary>Whether the page is in a frame, or is the zero page.</summary>
    public bool IsPresent => (Word & NotPresent) == 0;

    /// <summary>Whether somebody copies or loads the page.</summary>
    public bool IsMoving => (Word & Moving) != 0;

    /// <summary>Whether nothing was ever written to the page, and nobody is busy with it.</summary>
    public bool IsEmpty => Word == NotPresent;

    /// <summary>What the entry says.</summary>
    public EntryKind Kind
    {
        get
        {
            if (IsPresent)
            {
                return (Word & Zero) != 0 ? EntryKind.Zero : EntryKind.Frame;
            }

            return (Word & SwappedKind) != 0 ? EntryKind.Swapped : (Word & SameFilledKind) != 0 ? EntryKind.SameFilled : EntryKind.Empty;
        }
    }

    /// <summary>Address of the frame of a present page.</summary>
    public nuint Address => (nuint)(Word & ~FlagMask);

    /// <summary>The value that a same-filled page repeats.</summary>
    public uint Value => (uint)(Word >> ValueShift);

    /// <summary>The slot of a swapped page.</summary>
    public ulong Slot => Word >> SlotShift;

    /// <summary>What the replacement policy remembers of a page that left.</summary>
    public uint History => (uint)(Word >> HistoryShift) & HistoryMax;

    /// <summary>Whether what hits for writing has no flag: a page that leaves counts as not written to, and the zero page as not to be written.</summary>
    public bool IsDecided => !IsPresent || ((Word & (Leaving | NotDirty)) != Leaving && (Word & (Zero | NotWritable)) != Zero);

    /// <summary>A page in a frame.</summary>
    /// <param name="address">Address of the frame.</param>
    /// <param name="flags">Flags of a present page.</param>
    public static LeafEntry Present(nuint address, ulong flags)
    {
        Invariant.Assert(
            address != 0 && (address & FlagMask) == 0 && (flags & ~(FlagMask & ~NotPresent)) == 0,
            $"A present page has its frame at 0x{address:x} and flags {flags:x}.");
        return new(address | flags);
    }

    /// <summary>A page that repeats a value.</summary>
    public static LeafEntry SameFilled(uint value, uint history)
    {
        Invariant.Assert(history <= HistoryMax, $"A page that leaves has history {history:x}.");
        return new(((ulong)value << ValueShift) | (history << HistoryShift) | SameFilledKind | NotPresent);
    }

    /// <summary>A page in a slot.</summary>
    public static LeafEntry Swapped(ulong slot, uint history)
    {
        Invariant.Assert(slot is > 0 and <= SlotMax && history <= HistoryMax, $"A page leaves to slot {slot:x} with history {history:x}.");
        return new((slot << SlotShift) | (history << HistoryShift) | SwappedKind | NotPresent);
    }

    /// <summary>The entry with flags set.</summary>
    public LeafEntry With(ulong flags)
    {
        Invariant.Assert((flags & ~(FlagMask & ~NotPresent)) == 0 && (IsPresent || flags == Moving), $"An entry that is {this} gets the flags {flags:x}.");
        return new(Word | flags);
    }

    /// <summary>The entry with flags cleared.</summary>
    public LeafEntry Without(ulong flags) => new(Word & ~flags);

    /// <summary>Whether an access with that mask (<see cref="ReadMiss"/>, <see cref="WriteMiss"/>) needs the slow path.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Misses(ulong mask) => (Word & mask) != 0;

    /// <inheritdoc/>
    public bool Equals(LeafEntry other) => Word == other.Word;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is LeafEntry other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Word.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        EntryKind.Empty => IsMoving ? "collapsing" : "empty",
        EntryKind.SameFilled => $"filled with {Value:x8}",
        EntryKind.Swapped => $"slot {Slot}{(IsMoving ? ", loading" : string.Empty)}",
        _ => $"{Kind} {Address:x}, flags {Word & FlagMask:x}",
    };

    /// <summary>Whether both say the same.</summary>
    public static bool operator ==(LeafEntry left, LeafEntry right) => left.Word == right.Word;

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(LeafEntry left, LeafEntry right) => left.Word != right.Word;
}
