namespace NativeMm.AddressSpaces;

/// <summary>What became of a change of the layout. Whatever is not <see cref="Done"/> has changed nothing.</summary>
internal enum LayoutOutcome
{
    /// <summary>It is done.</summary>
    Done,

    /// <summary>The space is disposed.</summary>
    Ended,

    /// <summary>There is no hole that is large enough.</summary>
    NoAddresses,

    /// <summary>Something is mapped where nothing may be.</summary>
    Occupied,

    /// <summary>Nothing is mapped where something must be.</summary>
    NotMapped,

    /// <summary>The range lies in more than one area.</summary>
    SeveralAreas,

    /// <summary>There is no room behind the area, and it may not move.</summary>
    NoRoom,

    /// <summary>There would be more areas than are allowed.</summary>
    TooManyAreas,

    /// <summary>The system refuses memory for records.</summary>
    NoMetadata,

    /// <summary>There are no frames for page tables.</summary>
    NoFrames,
}
