using System.Runtime.CompilerServices;

namespace NativeMm.Eviction;

/// <summary>How many items were last used in each of the last 256 epochs; a ring by the epoch's low byte.</summary>
[InlineArray(Length)]
internal struct EpochCounts
{
    /// <summary>Epochs that are told apart.</summary>
    public const int Length = 256;

    private int _first;
}
