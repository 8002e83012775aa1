namespace NativeMm.Zsmalloc;

/// <summary>Heads and lengths of the lists of zspages by fullness. Under the lock of the shard.</summary>
internal unsafe struct ZsLists
{
    /// <summary>Bit g: group g has zspages.</summary>
    public uint Present;

    /// <summary>The first zspage of each group, 0 for none.</summary>
    public fixed uint Heads[ZsClass.Groups];

    /// <summary>Zspages of each group.</summary>
    public fixed int Counts[ZsClass.Groups];
}
