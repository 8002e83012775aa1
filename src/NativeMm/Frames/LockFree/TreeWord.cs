// Purpose      says who fills a tree, so that cores stay out of each other's lines.
// States       bit 0     reserved: exactly one reservation word owns the tree (or its owner is about to store it there)
//              bit 1..2  TreeKind of the last reservation; without meaning once the tree is entirely free
// Transitions  unreserved → reserved: CAS by the core that looks for a tree; reserved → unreserved: CAS by whoever took the owning
//              reservation out of its word, or never put it there.
// Reuse        the word is advice: frames are claimed in child words and bitmaps only, so no CAS can be fooled into a wrong claim.
// Progress     lock-free; a thread that stalls while it reserves leaves a tree that others use last.

using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>State word of one tree. Pure transitions; <see cref="TryChange"/> is the only loop that applies them.</summary>
/// <param name="bits">The word.</param>
internal readonly struct TreeWord(ulong bits)
{
    private const ulong ReservedBit = 1;
    private const int KindShift = 1;

    private readonly ulong _bits = bits;

    /// <summary>Whether a core has the tree for itself, as far as others heed it.</summary>
    public bool IsReserved => (_bits & ReservedBit) != 0;

    /// <summary>What the tree was last reserved for.</summary>
    public TreeKind Kind => (TreeKind)(_bits >> KindShift);

    /// <summary>Reserves the tree.</summary>
    public bool TryReserve(TreeKind kind, out TreeWord next)
    {
        next = new TreeWord(((ulong)kind << KindShift) | ReservedBit);
        return !IsReserved;
    }

    /// <summary>Gives the reservation up; the kind stays.</summary>
    public bool TryRelease(out TreeWord next)
    {
        next = new TreeWord(_bits & ~ReservedBit);
        return IsReserved;
    }

    /// <summary>Applies a transition to a word in memory: the one CAS loop of this word.</summary>
    /// <param name="cell">The word.</param>
    /// <param name="kind">What to reserve for, or null to release.</param>
    /// <returns>Whether the transition was possible.</returns>
    public static bool TryChange(ref ulong cell, TreeKind? kind)
    {
        var word = new TreeWord(Atomic.LoadAcquire(ref cell));
        while (kind is TreeKind wanted ? word.TryReserve(wanted, out TreeWord next) : word.TryRelease(out next))
        {
            ulong seen = Atomic.CompareExchangeValue(ref cell, word._bits, next._bits);
            if (seen == word._bits)
            {
                return true;
            }

            word = new TreeWord(seen);
        }

        return false;
    }
}
