using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>512 pages at once, where the area wants that and none of them is populated.</content>
internal sealed unsafe partial class PageFaults
{
    /// <summary>A hint: what it says of the leaf is looked at again under its lock.</summary>
    private bool CanBeHuge(Vma* record, ulong page, ulong* leaf)
    {
        ulong first = page & ~(ulong)(SharedTables.Entries - 1);
        return (record->Flags & VmaFlags.HugePages) != 0
            && record->Start <= first
            && record->End >= first + SharedTables.Entries
            && _tables.Residency is null
            && _tables.HeadOf(leaf).Population == 0;
    }

    /// <summary>Makes the block and installs it.</summary>
    /// <returns>False when there is no block, or somebody populated the leaf: then one page must do.</returns>
    private bool TryHuge<TLocking, TPause>(Vma* record, VmaState state, ulong* leaf, out FaultOutcome outcome)
        where TLocking : struct, ILeafLocking
        where TPause : struct, IPausePoint
    {
        outcome = FaultOutcome.Resolved;
        if (!_frames.TryAllocate(Order.Huge, FrameFlags.NoReclaim | FrameFlags.Zeroed | FrameFlags.Populate, out Pfn block, out _))
        {
            return false;
        }

        TPause.Reach(PausePrepared);
        ref TableHead head = ref _tables.HeadOf(leaf);
        outcome = TryLock<TLocking>(ref head, leaf, record, state);
        bool isEmpty = false;
        if (outcome == FaultOutcome.Resolved)
        {
            isEmpty = head.Population == 0;
            if (isEmpty)
            {
                TPause.Reach(PauseLocked);
                _tables.PutBlock(ref head, leaf, (nuint)_frames.Zone.AddressOf(block), FlagsOf(record));
            }

            head.Lock.Exit();
        }

        if (!isEmpty)
        {
            _frames.Free(block, Order.Huge);
        }

        return isEmpty || outcome != FaultOutcome.Resolved;
    }

    private void CountHuge(AccessSlot* slot, FaultOutcome outcome)
    {
        if (outcome == FaultOutcome.Resolved)
        {
            Counters.Count(slot->Number, FaultEvent.DemandZeroHuge);
        }
    }
}
