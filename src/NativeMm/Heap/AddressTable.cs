using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <summary>
/// A number of bytes for each of many addresses, in memory straight from the platform: no managed allocation, and taking an address out needs
/// no memory at all. Open addressing with linear probes. Callers hold a lock of their own.
/// </summary>
internal sealed unsafe class AddressTable(IMemoryPlatform platform) : IDisposable
{
    private Entry* _entries;
    private nuint _capacity;

    /// <summary>Addresses in the table.</summary>
    public nuint Count { get; private set; }

    /// <summary>Slots for addresses; at least half of them are empty.</summary>
    public nuint Capacity => _capacity;

    /// <summary>Length of the array of entries in bytes; 0 until the first address comes.</summary>
    private nuint ArrayBytes => _capacity * (nuint)sizeof(Entry);

    /// <summary>Puts an address in that is not there; false when the platform has no memory for a larger table, and nothing has changed.</summary>
    /// <param name="address">Not 0.</param>
    /// <param name="bytes">What belongs to it.</param>
    public bool TryAdd(nuint address, nuint bytes)
    {
        if ((Count + 1) * 2 > _capacity && !TryGrow())
        {
            return false;
        }

        Invariant.Assert(address != 0 && bytes != 0, $"An entry of a table is no block: 0x{address:x}, {bytes} bytes.");
        Invariant.Assert(!TryFind(address, out _), $"The table has an entry for 0x{address:x} already.");
        Place(address, bytes);
        Count++;
        Invariant.Assert(Count * 2 <= _capacity, $"A table of {_capacity} slots has {Count} entries.");
        return true;
    }

    /// <summary>What belongs to an address; 0 when it is not there.</summary>
    public nuint BytesOf(nuint address) => TryFind(address, out nuint slot) ? _entries[slot].Bytes : 0;

    /// <summary>Takes an address out; false when it is not there.</summary>
    public bool TryRemove(nuint address, out nuint bytes) => TryRemove(address, 0, out bytes);

    /// <summary>Takes an address out; false when it is not there, or has a mark.</summary>
    /// <param name="address">The address.</param>
    /// <param name="unlessMarked">Bits of what belongs to it that keep it in.</param>
    /// <param name="bytes">What belonged to it.</param>
    public bool TryRemove(nuint address, nuint unlessMarked, out nuint bytes)
    {
        bytes = 0;
        if (!TryFind(address, out nuint hole) || (_entries[hole].Bytes & unlessMarked) != 0)
        {
            return false;
        }

        bytes = _entries[hole].Bytes;
        Invariant.Assert(Count != 0, $"A table without entries has one for 0x{address:x}.");
        Count--;

        // Entries behind move up as far as their own home allows, so that a search never stops at a hole before it.
        nuint mask = _capacity - 1;
        for (nuint slot = (hole + 1) & mask; _entries[slot].Address != 0; slot = (slot + 1) & mask)
        {
            if (((slot - HomeOf(_entries[slot].Address)) & mask) >= ((slot - hole) & mask))
            {
                _entries[hole] = _entries[slot];
                hole = slot;
            }
        }

        _entries[hole] = default;
        Invariant.Assert(!TryFind(address, out _), $"The table had two entries for 0x{address:x}.");
        return true;
    }

    /// <summary>The next address at or after a position, in no order; false at the end. The table must not change between the calls.</summary>
    /// <param name="position">0 at first; moved behind what was found.</param>
    /// <param name="address">The address.</param>
    /// <param name="bytes">What belongs to it.</param>
    public bool TryNext(ref nuint position, out nuint address, out nuint bytes)
    {
        for (; position < _capacity; position++)
        {
            if (_entries[position].Address != 0)
            {
                (address, bytes) = (_entries[position].Address, _entries[position].Bytes);
                position++;
                return true;
            }
        }

        (address, bytes) = (0, 0);
        return false;
    }

    /// <summary>
    /// For the end: puts the entries in the order of their addresses, at the front. Nothing is found by its address any more; they can be walked through, and
    /// <see cref="Dispose"/> follows.
    /// </summary>
    /// <returns>How many there are.</returns>
    public nuint Sort()
    {
        nuint count = 0;
        for (nuint slot = 0; slot < _capacity; slot++)
        {
            if (_entries[slot].Address != 0)
            {
                (_entries[count], _entries[slot]) = (_entries[slot], _entries[count]);
                count++;
            }
        }

        Invariant.Assert(count == Count, $"A table of {Count} addresses has {count}.");

        // A heap sort: in place, the same time for every order, and nothing of the framework's that takes managed memory the first time.
        for (nuint root = count / 2; root-- > 0;)
        {
            SiftDown(root, count);
        }

        for (nuint end = count; end > 1; end--)
        {
            (_entries[0], _entries[end - 1]) = (_entries[end - 1], _entries[0]);
            SiftDown(0, end - 1);
        }

        return count;
    }

    /// <summary>What a slot holds; 0 for nothing. The table must not change meanwhile.</summary>
    public (nuint Address, nuint Bytes) At(nuint slot) => (_entries[slot].Address, _entries[slot].Bytes);

    /// <summary>Forgets all addresses and gives the memory of the table back.</summary>
    public void Dispose()
    {
        if (_capacity != 0)
        {
            platform.ReleaseOrKeep((nuint)_entries, ArrayBytes);
        }

        _entries = null;
        _capacity = 0;
        Count = 0;
    }

    private bool TryGrow()
    {
        nuint capacity = _capacity != 0 ? _capacity * 2 : platform.PageBytes / (nuint)sizeof(Entry);
        if (!platform.Reserve(capacity * (nuint)sizeof(Entry), platform.PageBytes, out nuint grown).Succeeded)
        {
            return false;
        }

        Entry* old = _entries;
        nuint oldCapacity = _capacity;
        nuint oldBytes = ArrayBytes;
        _entries = (Entry*)grown;
        _capacity = capacity;
        for (nuint slot = 0; slot < oldCapacity; slot++)
        {
            if (old[slot].Address != 0)
            {
                Place(old[slot].Address, old[slot].Bytes);
            }
        }

        Invariant.Assert(BitOperations.IsPow2(_capacity) && _capacity > oldCapacity, $"A table grew from {oldCapacity} slots to {_capacity}.");
        if (oldCapacity != 0)
        {
            platform.ReleaseOrKeep((nuint)old, oldBytes);
        }

        return true;
    }

    /// <summary>Moves an entry down until none below it is greater.</summary>
    private void SiftDown(nuint root, nuint count)
    {
        while ((2 * root) + 1 < count)
        {
            nuint child = (2 * root) + 1;
            child += child + 1 < count && _entries[child].Address < _entries[child + 1].Address ? 1u : 0u;
            if (_entries[root].Address >= _entries[child].Address)
            {
                return;
            }

            (_entries[root], _entries[child]) = (_entries[child], _entries[root]);
            root = child;
        }
    }

    private void Place(nuint address, nuint bytes)
    {
        nuint slot = HomeOf(address);
        while (_entries[slot].Address != 0)
        {
            slot = (slot + 1) & (_capacity - 1);
        }

        _entries[slot] = new Entry { Address = address, Bytes = bytes };
    }

    private bool TryFind(nuint address, out nuint slot)
    {
        slot = 0;
        if (Count == 0)
        {
            return false;
        }

        for (slot = HomeOf(address); _entries[slot].Address != 0; slot = (slot + 1) & (_capacity - 1))
        {
            if (_entries[slot].Address == address)
            {
                return address != 0;
            }
        }

        return false;
    }

    /// <summary>Fibonacci hashing: addresses are multiples of a page, and the product's upper bits depend on all of theirs.</summary>
    private nuint HomeOf(nuint address) => (nuint)((address * 0x9E37_79B9_7F4A_7C15UL) >> (64 - BitOperations.Log2(_capacity)));

    private struct Entry
    {
        public nuint Address;
        public nuint Bytes;
    }
}
