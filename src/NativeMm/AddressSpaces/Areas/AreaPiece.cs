using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <summary>A piece of the layout while it is being rewritten: an area as it is, a part of one, or a new one.</summary>
internal readonly unsafe struct AreaPiece
{
    private AreaPiece(AreaSpec spec, Vma* same, bool exists, bool mayMerge)
    {
        Spec = spec;
        Same = same;
        Exists = exists;
        MayMerge = mayMerge;
    }

    /// <summary>What it is.</summary>
    public AreaSpec Spec { get; }

    /// <summary>The record that stays if the piece merges with nothing, or null for one that needs a record.</summary>
    public Vma* Same { get; }

    /// <summary>Whether an area that was there goes on in it, which may grow and, if it has an owner, must not be swallowed.</summary>
    public bool Exists { get; }

    private bool MayMerge { get; }

    private bool IsOwned => (Spec.Flags & VmaFlags.Owned) != 0;

    /// <summary>An area that stays as it is, unless a neighbour merges with it.</summary>
    public static AreaPiece Unchanged(Vma* area) => new(area->Spec, area, exists: true, mayMerge: true);

    /// <summary>What is left of an area.</summary>
    public static AreaPiece Rest(AreaSpec spec) => new(spec, null, exists: true, mayMerge: true);

    /// <summary>A new area, or a part that was taken out of one: whom it merges with, that one grows.</summary>
    public static AreaPiece Loose(AreaSpec spec) => new(spec, null, exists: false, mayMerge: true);

    /// <summary>A whole area that changes. One with an owner would be swallowed by any merge, so it has none.</summary>
    public static AreaPiece Changed(AreaSpec spec) => (spec.Flags & VmaFlags.Owned) == 0 ? Loose(spec) : Alone(spec);

    /// <summary>A piece that merges with nothing.</summary>
    public static AreaPiece Alone(AreaSpec spec) => new(spec, null, exists: true, mayMerge: false);

    /// <summary>
    /// Puts two neighbours together by the kernel's rules: the left one grows if it exists, otherwise the right one; one with an owner is never swallowed; and two
    /// that both stay as they are, stay apart.
    /// </summary>
    public static bool TryMerge(in AreaPiece left, in AreaPiece right, out AreaPiece merged)
    {
        merged = default;
        if (!left.MayMerge || !right.MayMerge || !left.Spec.Continues(right.Spec)
            || (left.Same != null && right.Same != null)
            || (left.Exists && right.Exists && right.IsOwned))
        {
            return false;
        }

        Invariant.Assert(left.Spec.Pages.End == right.Spec.Pages.Start, $"{left.Spec.Pages} and {right.Spec.Pages} are put together.");
        AreaSpec target = left.Exists || !right.Exists ? left.Spec : right.Spec;
        VmaFlags sticky = (left.Spec.Flags | right.Spec.Flags) & VmaFlags.Forked;
        merged = new AreaPiece(
            target.Over(left.Spec.Pages.Start, right.Spec.Pages.End) with { Flags = target.Flags | sticky },
            null,
            left.Exists || right.Exists,
            mayMerge: true);
        return true;
    }
}
