namespace NativeMm.AddressSpaces;

/// <summary>What an entry means for an access that its area allows. Pure.</summary>
internal static class FaultDecision
{
    /// <summary>What it takes.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="access">The access.</param>
    /// <param name="mayWriteInPlace">Whether one entry alone refers to the frame of a present page.</param>
    public static FaultWork Of(LeafEntry entry, PageAccess access, bool mayWriteInPlace)
    {
        bool isWrite = access == PageAccess.Write;
        switch (entry.Kind)
        {
            case EntryKind.Empty:
                return entry.IsMoving ? FaultWork.Wait : isWrite ? FaultWork.NewZero : FaultWork.MapZero;
            case EntryKind.Zero:
                return isWrite ? FaultWork.NewZero : entry.Misses(LeafEntry.ReadMiss) ? FaultWork.Flags : FaultWork.None;
            case EntryKind.SameFilled:
                return FaultWork.NewFilled;
            case EntryKind.Swapped:
                return entry.IsMoving ? FaultWork.Wait : FaultWork.Load;
            default:
                return OfFrame(entry, isWrite, mayWriteInPlace);
        }
    }

    /// <summary>The flags that a present entry loses by an access.</summary>
    public static ulong Lost(PageAccess access) => access == PageAccess.Write
        ? LeafEntry.NotAccessed | LeafEntry.NotDirty | LeafEntry.NotWritable
        : LeafEntry.NotAccessed | LeafEntry.Moving;

    private static FaultWork OfFrame(LeafEntry entry, bool isWrite, bool mayWriteInPlace)
    {
        bool isLeaving = (entry.Word & LeafEntry.Leaving) != 0;
        if (!entry.Misses(isWrite ? LeafEntry.WriteMiss : LeafEntry.ReadMiss))
        {
            return FaultWork.None;
        }

        if (isLeaving || entry.IsMoving)
        {
            // The reclaimer may be reading the page: whoever only reads, too, tells him to leave it here; whoever writes waits for him.
            return isLeaving && !isWrite ? FaultWork.Flags : FaultWork.Wait;
        }

        return isWrite && entry.Misses(LeafEntry.NotWritable) && !mayWriteInPlace ? FaultWork.Copy : FaultWork.Flags;
    }
}
