using System.Runtime.InteropServices;

namespace NativeMm.Vmap;

/// <summary>One range of a <see cref="RangeTree"/>. Links are numbers of nodes, 0 for none.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RangeNode
{
    public uint Start;
    public uint Pages;

    /// <summary>The most pages of any range in the subtree.</summary>
    public uint Largest;

    public uint Left;
    public uint Right;

    /// <summary>Random; a node's is never below those of its children.</summary>
    public uint Priority;

    /// <summary>The page behind the last one.</summary>
    public readonly uint End => Start + Pages;
}
