namespace NativeMm.Frames;

/// <summary>How welcome a tree is to a core that looks for one, best first.</summary>
internal enum TreeRank
{
    /// <summary>Partly filled with the same kind, and has room in memory that was touched before.</summary>
    SameTouched,

    /// <summary>Entirely free, and the operating system may hold some of it.</summary>
    FreeTouched,

    /// <summary>Partly filled with the same kind; the room is untouched.</summary>
    SameUntouched,

    /// <summary>Entirely free and untouched.</summary>
    FreeUntouched,

    /// <summary>Partly filled with another kind.</summary>
    OtherKind,

    /// <summary>Reserved by another core: to be shared only when nothing else is left.</summary>
    Reserved,

    /// <summary>Not enough room.</summary>
    Full,
}
