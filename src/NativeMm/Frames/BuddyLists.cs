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

    /// <summary>Frames on all lists.</summary>
    public ulong FreeFrames;

    /// <summary>Frames that are isolated.</summary>
    public ulong IsolatedFrames;

    /// <summary>Frames of reported blocks on the lists.</summary>
    public ulong ReportedFrames;

    /// <summary>Frames below this one have been used; those behind it are fresh and on no list.</summary>
    public uint Frontier;

    /// <summary>The list of an order and kind.</summary>
    public static ref FrameList List(BuddyLists* lists, int order, BlockKind kind) =>
        ref ((FrameList*)lists->_lists)[(order * Kinds) + (int)kind];
}
