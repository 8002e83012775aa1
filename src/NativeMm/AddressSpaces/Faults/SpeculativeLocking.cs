using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>A fault without the space's lock: it tries, and gives up at any doubt.</summary>
internal struct SpeculativeLocking : ILeafLocking
{
    /// <inheritdoc/>
    public static bool IsSpeculative => true;

    /// <inheritdoc/>
    public static bool TryEnter(ref SpinLock<NoLockStatistics> leafLock) => leafLock.TryEnter();
}
