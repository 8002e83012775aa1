namespace NativeMm.Zsmalloc;

/// <summary>What became of one step of a compactor.</summary>
internal enum ZsMove
{
    /// <summary>One object has moved.</summary>
    Moved,

    /// <summary>There was nothing left to move.</summary>
    SourceEmpty,

    /// <summary>A reader holds the source.</summary>
    SourcePinned,
}
