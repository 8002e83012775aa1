using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The free areas of a zone: a list for each order and kind, and the frames on all of them. Guarded by the zone's lock.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BuddyLists
{
    /// <summary>Number of <see cref="BlockKind"/>s.</summary>
    public const int Kinds = 3;

    private fixed uint _lists[Order.Count * Kinds * 3];

    // The first block of the reported tail of each list, as its frame number plus one; 0 when nothing is known of the tail.
    private fixed uint _boundaries[Order.Count * Kinds];

    /// <summary>Frames on all lists.</summary>
    public ulong FreeFrames;

    /// <summary>Frames that are isolated.</summary>
    public ulong IsolatedFrames;

    /// <summary>Frames of reported blocks on the lists.</summary>
    public ulong ReportedFrames;

    /// <summary>Blocks that came back from isolation so far, any of which an allocation that failed may have needed.</summary>
    public ulong PutBacks;

    /// <summary>Whether the boundaries are kept. While it is false they mean nothing.</summary>
    public bool BoundariesActive;

    /// <summary>Frames below this one have been used; those behind it are fresh and on no list.</summary>
    public uint Frontier;

    /// <summary>The list of an order and kind.</summary>
    public static ref FrameList List(BuddyLists* lists, int order, BlockKind kind) =>
        ref ((FrameList*)lists->_lists)[(order * Kinds) + (int)kind];

    /// <summary>The reported boundary of the list of an order and kind: a frame number plus one, or 0.</summary>
    public static ref uint Boundary(BuddyLists* lists, int order, BlockKind kind) => ref lists->_boundaries[(order * Kinds) + (int)kind];

    /// <summary>Forgets all boundaries.</summary>
    public static void ClearBoundaries(BuddyLists* lists) => new Span<uint>(lists->_boundaries, Order.Count * Kinds).Clear();
}
