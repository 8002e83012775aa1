using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>The piece that one thread of a job works on, where the others can take from it. The note of <see cref="TeardownJob"/> describes it.</summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal struct PieceSlot
{
    // Whoever takes from the piece, or puts one in.
    [FieldOffset(0)]
    public SpinLock<NoLockStatistics> Lock;

    [FieldOffset(8)]
    public WorkPiece Piece;

    // 1 while a thread works from it.
    [FieldOffset(24)]
    public int Owner;
}
