using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>One side's counter: what it has published on one line, what only it uses on another.</summary>
[StructLayout(LayoutKind.Explicit, Size = 3 * CacheLine.Isolation)]
internal struct RingCounter
{
    /// <summary>What the other side may know.</summary>
    [FieldOffset(CacheLine.Isolation)]
    public uint Published;

    /// <summary>How far this side is.</summary>
    [FieldOffset(2 * CacheLine.Isolation)]
    public uint Private;

    /// <summary>How far the other side was when this side looked last.</summary>
    [FieldOffset((2 * CacheLine.Isolation) + sizeof(uint))]
    public uint OtherSeen;
}
