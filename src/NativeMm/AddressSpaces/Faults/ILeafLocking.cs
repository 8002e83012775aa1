using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>How a fault takes the lock of a leaf.</summary>
internal interface ILeafLocking
{
    /// <summary>Whether the fault holds no lock of the space, so that its record may be detached.</summary>
    static abstract bool IsSpeculative { get; }

    /// <summary>Takes the lock, or gives up.</summary>
    static abstract bool TryEnter(ref SpinLock<NoLockStatistics> leafLock);
}
