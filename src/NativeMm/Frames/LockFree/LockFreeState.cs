using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The words of a lock-free allocator that all cores share. They are written rarely; reporters and allocations do not share a line.</summary>
[StructLayout(LayoutKind.Explicit, Size = 5 * CacheLine.Isolation)]
internal unsafe struct LockFreeState
{
    /// <summary>Rows that can be swept at once: each has a piece at least, and a call of a device takes 32.</summary>
    public const int SweptMax = 32;

    // Owner: whoever takes a tree that was never used: CAS, only ever upwards.
    [FieldOffset(0)]
    public uint Frontier;

    // Owner: reporters: atomic add.
    [FieldOffset(CacheLine.Isolation)]
    public ulong IsolatedFrames;

    // Owner: reporters: atomic add. Blocks that are isolated or may become so in a call under way.
    [FieldOffset(CacheLine.Isolation + sizeof(ulong))]
    public ulong InFlight;

    // Owner: reporters: atomic add, when blocks are free again and before they leave InFlight.
    [FieldOffset(CacheLine.Isolation + (2 * sizeof(ulong)))]
    public ulong PutBacks;

    // Owner: the reporter, while it has swept rows isolated: number of the row plus one, 0 for none. Written after the frames, cleared before
    // their bits are released.
    [FieldOffset(2 * CacheLine.Isolation)]
    public fixed uint SweptRows[SweptMax];

    // Owner: the reporter: the frames of each such row, a bit each.
    [FieldOffset(3 * CacheLine.Isolation)]
    public fixed ulong SweptFrames[SweptMax];
}
