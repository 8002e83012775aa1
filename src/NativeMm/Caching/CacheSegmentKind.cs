namespace NativeMm.Caching;

/// <summary>What a segment is for.</summary>
internal enum CacheSegmentKind
{
    /// <summary>The number is free.</summary>
    None,

    /// <summary>Records side by side, and free blocks between them.</summary>
    Packed,

    /// <summary>The same, but it takes no more: its records are moved elsewhere.</summary>
    Emptying,

    /// <summary>One record, in frames.</summary>
    Run,

    /// <summary>One record, in a block of the heap.</summary>
    Block,
}
