using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The areas of a space in order.</summary>
internal sealed unsafe class VmaTree
{
    /// <summary>
    /// The area that a page lies in, or null. Lock-free. The caller is inside the epoch of <see cref="Epochs"/>, or holds the space's lock in either way;
    /// the record is his to read until he leaves.
    /// </summary>
    /// <param name="page">Number of the page.</param>
    public Vma* Find(ulong page)
    {
        _ = page;
        throw new NotImplementedException(Epochs.ToString());
    }

    /// <summary>The epochs that readers without the lock are inside of. Whoever is inside never waits for the space's lock.</summary>
    public EpochDomain Epochs { get; } = new();
}
