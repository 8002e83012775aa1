using System.Runtime.CompilerServices;

namespace NativeMm.Slabs;

/// <summary>Room for the blocks that move at once, on the stack.</summary>
[InlineArray(SlabClass.BatchMax)]
internal struct SlabBatch
{
    private SlabBlock _first;
}
