using NativeMm.Eviction;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Tells a policy whether pages were touched, by the flag in their entries, and sets the flag for the next time.</summary>
internal readonly unsafe ref struct AccessProbe(PageTables tables, ulong* pages, AccessSlot* slot) : IAccessProbe
{
    /// <inheritdoc/>
    public bool TestAndClear(uint number)
    {
        ulong page = Atomic.LoadAcquire(in pages[number]);
        if (page >= PageTables.Pages)
        {
            return false;
        }

        bool accessed = false;
        ulong* entry = tables.Enter(slot, page, out PageTables.LeafScope leaf);
        if (entry != null)
        {
            var value = new LeafEntry(*entry);
            accessed = value.Kind == EntryKind.Frame && (value.Word & LeafEntry.NotAccessed) == 0;
            if (accessed)
            {
                Atomic.StoreRelease(ref *entry, value.With(LeafEntry.NotAccessed).Word); // [T1] pairs with [T2]
            }

            leaf.Exit();
        }

        Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]
        return accessed;
    }
}
