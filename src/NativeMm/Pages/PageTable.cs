using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Buffers;

/// <summary>
/// Entries of pages by key: open addressing with linear probing in one native block, at most three quarters full. A removal moves the entries
/// behind it up, so there are no tombstones. Not thread-safe. A mutable struct: never copy it. Its owner frees <see cref="Block"/>.
/// </summary>
internal unsafe struct PageTable
{
    /// <summary>Entries of the smallest table.</summary>
    public const int CapacityMin = 8;

    private byte* _block;
    private int _mask;
    private int _count;

    /// <summary>The native block, null before the first entry.</summary>
    public readonly void* Block => _block;

    /// <summary>Entries that the block has room for; a power of two, or 0.</summary>
    public readonly int Capacity => _block == null ? 0 : _mask + 1;

    /// <summary>Entries in use.</summary>
    public readonly int Count => _count;

    /// <summary>Whether one more entry needs a larger block.</summary>
    public readonly bool IsFull => _count >= Capacity / 4 * 3;

    /// <summary>Whether a block of half the capacity would leave plenty of room.</summary>
    public readonly bool IsSparse => Capacity > CapacityMin && _count < Capacity / 8;

    /// <summary>Bytes of a block.</summary>
    public static nuint BytesOf(int capacity, int entryBytes) => (nuint)capacity * (nuint)entryBytes;

    /// <summary>The entry of a key, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly PageEntry* Find(ulong key, uint hash, int entryBytes)
    {
        if (_block == null)
        {
            return null;
        }

        Invariant.Assert(_count < Capacity, $"A table of {Capacity} slots has {_count} entries, and none that ends a search.");
        for (uint slot = hash & (uint)_mask; ; slot = (slot + 1) & (uint)_mask)
        {
            PageEntry* entry = At(slot, entryBytes);
            if (entry->State.Kind == PageKind.None)
            {
                return null;
            }

            if (entry->Key == key)
            {
                return entry;
            }
        }
    }

    /// <summary>Adds an entry for a key that has none. The caller gives it its state at once; the table is not full.</summary>
    public PageEntry* Add(ulong key, uint hash, int entryBytes)
    {
        Invariant.Assert(!IsFull && Find(key, hash, entryBytes) == null, $"Page {key} comes into a table that has it, or is full with {_count} of {Capacity}.");
        PageEntry* entry = Unused(hash, entryBytes);
        entry->Key = key;
        _count++;
        return entry;
    }

    /// <summary>Removes an entry. Others may move.</summary>
    /// <param name="entry">From <see cref="Find"/>.</param>
    /// <param name="entryBytes">Bytes of an entry.</param>
    public void Remove(PageEntry* entry, int entryBytes)
    {
        Invariant.Assert(_count > 0 && entry->State.Kind != PageKind.None, "An entry leaves a table that has none, or was not there.");
        uint mask = (uint)_mask;
        uint hole = (uint)((nuint)((byte*)entry - _block) / (uint)entryBytes);
        Invariant.Assert(hole <= mask && At(hole, entryBytes) == entry, $"An entry at slot {hole} of {Capacity} begins elsewhere.");
        for (uint slot = (hole + 1) & mask; ; slot = (slot + 1) & mask)
        {
            PageEntry* other = At(slot, entryBytes);
            if (other->State.Kind == PageKind.None)
            {
                break;
            }

            // An entry whose search begins behind the hole would not be found in it.
            uint home = PageHash.SlotOf(PageHash.Of(other->Key)) & mask;
            if (((slot - home) & mask) >= ((slot - hole) & mask))
            {
                Unsafe.CopyBlockUnaligned(At(hole, entryBytes), other, (uint)entryBytes);
                hole = slot;
            }
        }

        At(hole, entryBytes)->State = default;
        _count--;
    }

    /// <summary>The next entry in use, for walking the table.</summary>
    /// <param name="slot">0 to begin; then what the last call left.</param>
    /// <param name="entryBytes">Bytes of an entry.</param>
    /// <returns>Null at the end.</returns>
    public readonly PageEntry* Next(ref int slot, int entryBytes)
    {
        for (; slot < Capacity; slot++)
        {
            PageEntry* entry = At((uint)slot, entryBytes);
            if (entry->State.Kind != PageKind.None)
            {
                slot++;
                return entry;
            }
        }

        return null;
    }

    /// <summary>Moves all entries to another block.</summary>
    /// <param name="block">Zeroed, with room for the entries at three quarters.</param>
    /// <param name="capacity">A power of two.</param>
    /// <param name="entryBytes">Bytes of an entry.</param>
    /// <returns>The old block, for the caller to free; null if there was none.</returns>
    public void* MoveTo(void* block, int capacity, int entryBytes)
    {
        Invariant.Assert(block != null && block != _block, "A table moves to where it is.");
        Invariant.Assert(BitOperations.IsPow2(capacity) && _count <= capacity / 4 * 3, $"{_count} entries move to a table of {capacity} slots.");
        PageTable old = this;
        _block = (byte*)block;
        _mask = capacity - 1;
        int slot = 0;
        while (old.Next(ref slot, entryBytes) is var entry && entry != null)
        {
            Unsafe.CopyBlockUnaligned(Unused(PageHash.SlotOf(PageHash.Of(entry->Key)), entryBytes), entry, (uint)entryBytes);
        }

        return old._block;
    }

    /// <summary>Forgets all entries.</summary>
    /// <returns>The block, for the caller to free; null if there was none.</returns>
    public void* Detach()
    {
        void* block = _block;
        this = default;
        return block;
    }

    /// <summary>Checks that every entry is found by its key, and the count.</summary>
    /// <exception cref="InvariantViolationException">It is not so.</exception>
    public readonly void Validate(int entryBytes)
    {
        int found = 0;
        int slot = 0;
        while (Next(ref slot, entryBytes) is var entry && entry != null)
        {
            found++;
            Invariant.Check(
                Find(entry->Key, PageHash.SlotOf(PageHash.Of(entry->Key)), entryBytes) == entry,
                $"The entry of page {entry->Key} is not where its key leads.");
        }

        Invariant.Check(found == _count, $"A table of pages has {found} entries and counts {_count}.");
        Invariant.Check(_count <= Capacity / 4 * 3, $"A table of pages holds {_count} entries in {Capacity} slots.");
        Invariant.Check(_block == null || BitOperations.IsPow2(Capacity), $"A table of pages has {Capacity} slots, no power of two.");
    }

    private readonly PageEntry* Unused(uint hash, int entryBytes)
    {
        uint slot = hash & (uint)_mask;
        while (At(slot, entryBytes)->State.Kind != PageKind.None)
        {
            slot = (slot + 1) & (uint)_mask;
        }

        return At(slot, entryBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly PageEntry* At(uint slot, int entryBytes) => (PageEntry*)(_block + ((nuint)slot * (nuint)(uint)entryBytes));
}
