using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The words of a lock-free allocator that all cores share. They are written rarely; reporters and allocations do not share a line.</summary>
[StructLayout(LayoutKind.Explicit, Size = 2 * CacheLine.Isolation)]
internal struct LockFreeState
{
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
}
