using System.Runtime.CompilerServices;

namespace NativeMm.Buffers;

/// <summary>Room for the handles of the largest page.</summary>
[InlineArray(Count)]
internal struct PageHandles
{
    /// <summary>Objects of the largest page: 64 KiB in pieces of 4 KiB.</summary>
    public const int Count = 16;

    private ulong _first;
}
