using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>No pause anywhere: what the product runs with.</summary>
internal struct NoPause : IPausePoint
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Reach(string name)
    {
    }
}
