namespace NativeMm.Frames;

/// <summary>
/// Which tree a core fills. Bit 31: it owns the tree's reservation; otherwise it borrows a tree because none was left. Bits 0..30: index of
/// the tree plus one, 0 for none. Changed by exchange only, so that every owned reservation is given up exactly once.
/// </summary>
/// <param name="bits">The word.</param>
internal readonly struct ReservationWord(uint bits)
{
    private const uint OwnedBit = 1u << 31;

    private readonly uint _bits = bits;

    /// <summary>The word as it lies in memory.</summary>
    public uint Bits => _bits;

    /// <summary>Whether there is a tree.</summary>
    public bool HasTree => _bits != 0;

    /// <summary>Whether the tree is marked as reserved on behalf of this word.</summary>
    public bool IsOwner => (_bits & OwnedBit) != 0;

    /// <summary>Index of the tree; only with <see cref="HasTree"/>.</summary>
    public uint Tree => (_bits & ~OwnedBit) - 1;

    /// <summary>Makes a word for a tree.</summary>
    public static ReservationWord For(uint tree, bool owner) => new((tree + 1) | (owner ? OwnedBit : 0));
}
