using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>A fault that is a reader of the space: no area changes, and it waits for the leaf.</summary>
internal struct ClassicLocking : ILeafLocking
{
    /// <inheritdoc/>
    public static bool IsSpeculative => false;

    /// <inheritdoc/>
    public static bool TryEnter(ref SpinLock<NoLockStatistics> leafLock)
    {
        leafLock.Enter();
        return true;
    }
}
