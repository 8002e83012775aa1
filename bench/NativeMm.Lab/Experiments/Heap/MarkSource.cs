using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Marks that no other source and no other call gives. One thread at a time.</summary>
/// <param name="source">Number of the source.</param>
internal struct MarkSource(int source)
{
    private const int SourceShift = 48;
    private ulong _last = ((ulong)source + 1) << SourceShift;

    /// <summary>The next mark.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next() => ++_last;
}
