namespace NativeMm.Heap.Checked;

/// <summary>The life of a checked block; it only moves forward.</summary>
internal enum BlockState
{
    /// <summary>The caller has it.</summary>
    Live,

    /// <summary>Freed by the caller: being poisoned, or in quarantine. The memory is still ours.</summary>
    Freed,

    /// <summary>Given back to the raw heap; only the note that it existed is left.</summary>
    Released,
}
