using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The trees that one core fills, a <see cref="ReservationWord"/> for each <see cref="TreeKind"/>, on lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal unsafe struct CoreReservations
{
    /// <summary>Number of kinds.</summary>
    public const int Kinds = (int)TreeKind.Huge + 1;

    // Owner: threads that run on the core, and whoever drains; exchange only, plain reads of the hint.
    [FieldOffset(0)]
    public fixed uint Words[Kinds];

    // Owner: threads that run on the core: each stores one less than what it read, so that a lost update moves the next look and none goes
    // below 0. How many allocations go by before touched memory is looked for in other trees again.
    [FieldOffset(CacheLine.Bytes)]
    public uint LooksToSkip;

    // Owner: the same, in the same way. For each kind, how many trees are taken from the frontier before the ranks are looked through again.
    [FieldOffset(CacheLine.Bytes + sizeof(uint))]
    public fixed uint FreshToTake[Kinds];
}
