using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Eight children, 4096 frames (16 MiB), and the word that says who fills them. The children fill one line, so that looking for room in a
/// tree touches one line; two trees never share a pair of lines. All zero is a fresh tree.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal unsafe struct FrameTree
{
    /// <summary>Children of a tree.</summary>
    public const int ChildCount = 8;

    /// <summary>log2 of the frames of a tree.</summary>
    public const int FrameShift = 12;

    // Owner: the core that reserved the tree, and whoever frees frames of it: CAS of ChildWord.
    [FieldOffset(0)]
    public fixed ulong Children[ChildCount];

    // Owner: whoever reserves the tree or gives it up: CAS of TreeWord. On the second line, because searchers read it.
    [FieldOffset(64)]
    public ulong Word;
}
