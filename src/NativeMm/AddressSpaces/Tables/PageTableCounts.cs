namespace NativeMm.AddressSpaces;

/// <summary>What page tables hold, counted entry by entry.</summary>
internal struct PageTableCounts
{
    /// <summary>Tables, the root included.</summary>
    public long Tables;

    /// <summary>Leaves whose pages lie in one block of 2 MiB.</summary>
    public long HugeBlocks;

    /// <summary>Pages in frames, shared ones included.</summary>
    public long Resident;

    /// <summary>Those of them whose frame other entries refer to, too.</summary>
    public long Shared;

    /// <summary>Pages that are the zero page.</summary>
    public long Zero;

    /// <summary>Pages that repeat a value.</summary>
    public long SameFilled;

    /// <summary>Pages in the swap.</summary>
    public long Swapped;

    /// <summary>Counts an entry.</summary>
    public void Add(LeafEntry entry, PageTables tables)
    {
        switch (entry.Kind)
        {
            case EntryKind.Frame:
                Resident++;
                Shared += tables.IsFrame(entry.Address) && tables.FrameOf(entry.Address).Mappings > 1 ? 1 : 0;
                break;
            case EntryKind.Zero:
                Zero++;
                break;
            case EntryKind.SameFilled:
                SameFilled++;
                break;
            case EntryKind.Swapped:
                Swapped++;
                break;
        }
    }
}
