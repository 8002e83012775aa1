using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>One entry under its lock, for whoever holds no lock of the space.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Publishes a hazard for a page, which stays until the caller clears it, and takes the lock of its leaf.</summary>
    /// <param name="slot">The caller's slot; its fault word is used.</param>
    /// <param name="page">The page.</param>
    /// <param name="leaf">Gives the lock up, when there is an entry.</param>
    /// <returns>The entry; null when there is no leaf.</returns>
    public ulong* Enter(AccessSlot* slot, ulong page, out LeafScope leaf)
    {
        Invariant.Assert(page < Pages, $"The entry of page {page:x} is wanted.");
        Atomic.StoreRelease(ref slot->Fault, Key | page); // [H1] pairs with [H2]
        ulong* entry = EntryOf(_root, page);
        ulong* table = (ulong*)((nuint)entry & ~(nuint)LowMask);
        leaf = default;
        if (table == SharedTables.EmptyLeaf || table == SharedTables.CollapsingLeaf)
        {
            return null;
        }

        ref TableHead head = ref HeadOf(table);
        head.Lock.Enter();
        leaf = new LeafScope(ref head);
        if (IsLinked(table, ref head)) // [T3]
        {
            return entry;
        }

        leaf.Exit();
        return null;
    }

    /// <summary>A section under the lock of a leaf.</summary>
    public readonly ref struct LeafScope
    {
        private readonly ref TableHead _head;

        /// <summary>Begins the section of a lock that was just taken.</summary>
        public LeafScope(ref TableHead head) => _head = ref head;

        /// <summary>Writes an entry for a page that loses its frame.</summary>
        public void Put(ulong* entry, LeafEntry value)
        {
            Invariant.Assert(_head.Lock.IsHeld, "An entry is written behind the end of the lock of its leaf.");
            PageTables.Put(ref _head, entry, value);
            _head.IsHuge = false;
        }

        /// <summary>Gives the lock up.</summary>
        public void Exit() => _head.Lock.Exit();
    }
}
