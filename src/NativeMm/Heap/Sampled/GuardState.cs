namespace NativeMm.Heap.Sampled;

/// <summary>
/// The life of a guarded slot: <c>Unused → Changing → Live → Changing → Freed → Changing → Live</c> and so on. In <see cref="Changing"/> it belongs to
/// the one thread that took it there, which calls the system meanwhile.
/// </summary>
internal enum GuardState
{
    /// <summary>It never held a block.</summary>
    Unused,

    /// <summary>A thread prepares it for a block, or closes it.</summary>
    Changing,

    /// <summary>The program has its block.</summary>
    Live,

    /// <summary>Its block was freed; the page is forbidden until the slot is the oldest of those that rest.</summary>
    Freed,
}
