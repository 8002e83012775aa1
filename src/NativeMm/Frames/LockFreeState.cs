using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The words of a lock-free allocator that all cores share. Both are written rarely, each on lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = 2 * CacheLine.Isolation)]
internal struct LockFreeState
{
    // Owner: whoever takes a tree that was never used: CAS, only ever upwards.
    [FieldOffset(0)]
    public uint Frontier;

    // Owner: reporters: atomic add.
    [FieldOffset(CacheLine.Isolation)]
    public ulong IsolatedFrames;
}
