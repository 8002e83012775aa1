using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Lists of small free blocks that one core keeps for itself, a list for each order 0..3 and kind. Lock order: a core's lock before the zone's.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 2 * CacheLine.Isolation)]
internal unsafe struct PerCorePages
{
    /// <summary>The largest order that is kept.</summary>
    public const int OrderMax = 3;

    /// <summary>Frames that move between the zone and a core at once.</summary>
    public const int Batch = 63;

    /// <summary>Number of lists.</summary>
    public const int Lists = (OrderMax + 1) * BuddyLists.Kinds;

    // Owner: whoever holds the lock; normally threads on this core.
    [FieldOffset(0)]
    public SpinLock<NoLockStatistics> Lock;

    // Frames on the lists.
    [FieldOffset(8)]
    public uint Frames;

    // Frames at which a batch goes back to the zone. Grows by a batch with every refill, shrinks by an eighth with every drain.
    [FieldOffset(12)]
    public uint High;

    // Blocks that went in or out so far. It may wrap around.
    [FieldOffset(16)]
    public uint Moves;

    // What Moves was when somebody last asked whether the core is idle.
    [FieldOffset(20)]
    public uint MovesSeen;

    [FieldOffset(64)]
    private fixed uint _lists[Lists * 3];

    /// <summary>The list of an order and kind.</summary>
    public static ref FrameList List(PerCorePages* pages, int order, BlockKind kind) =>
        ref ((FrameList*)pages->_lists)[(order * BuddyLists.Kinds) + (int)kind];

    /// <summary>Blocks of an order that move at once: a batch of frames, two at least.</summary>
    public static int BatchOf(int order) => Math.Max(2, Batch >> order);
}
