namespace NativeMm.Vmap;

/// <summary>What the owner of a busy range does with it.</summary>
internal enum VmapAreaStep
{
    /// <summary>He gives it back: it is private to the thread that does.</summary>
    End,

    /// <summary>He begins to resize it.</summary>
    Hold,

    /// <summary>He is told which frames it has, so that no pool keeps it.</summary>
    Show,
}
