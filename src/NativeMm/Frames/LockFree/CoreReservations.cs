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

    // Owner: threads that run on the core. How many allocations go by before touched memory is looked for in other trees again; a lost update
    // only moves the next look.
    [FieldOffset(CacheLine.Bytes)]
    public uint LooksToSkip;
}
