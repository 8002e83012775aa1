using NativeMm.Diagnostics;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>How a range is bitten off and halved: by what is populated. A piece is pages, from a first one to an end.</content>
internal sealed unsafe partial class TableRelease
{
    /// <inheritdoc/>
    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        Invariant.Assert(_root != null && piece.End > piece.First, $"A bite is taken off pages {piece.First:x} to {piece.End:x}.");
        ulong first = piece.First;
        bite = default;
        if (_tables.FindLeafBelow(_root, ref first, piece.End) == null)
        {
            return false;
        }

        ulong page = first;
        ulong end = first;
        for (int leaves = 0; leaves < LeavesOfBite && _tables.FindLeafBelow(_root, ref page, piece.End) != null; leaves++)
        {
            page += SharedTables.Entries;
            end = page;
        }

        bite = new WorkPiece(first, ulong.Min(end, piece.End));
        Invariant.Assert(
            bite.First >= piece.First && bite.End > bite.First && bite.End <= piece.End,
            $"Pages {bite.First:x} to {bite.End:x} are bitten off {piece.First:x} to {piece.End:x}.");
        piece = piece with { First = bite.End };
        return true;
    }

    /// <inheritdoc/>
    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half) => TryHalve(ref piece, out half);

    /// <inheritdoc cref="TrySplit"/>
    internal bool TryHalve(ref WorkPiece piece, out WorkPiece half)
    {
        half = default;
        Invariant.Assert(_root != null && piece.End > piece.First, $"Pages {piece.First:x} to {piece.End:x} are halved.");
        ulong* table = _root;
        var pages = new VpnRange(piece.First, piece.End);
        for (int level = PageTables.RootLevel; level > 0; level--)
        {
            long weight = WeightOf(table, level, pages, out ulong only);
            if (weight == 0)
            {
                return false;
            }

            if (only == PageTables.Pages)
            {
                ulong middle = MiddleOf(table, level, pages, weight / 2);
                Invariant.Assert(middle > piece.First && middle < piece.End, $"Pages {piece.First:x} to {piece.End:x} are halved at {middle:x}.");
                half = piece with { First = middle };
                piece = piece with { End = middle };
                return true;
            }

            // All of it lies below one entry.
            table = (ulong*)table[PageTables.Index(only, level)];
            pages = pages.Intersect(new VpnRange(only, only + PageTables.Span(level)));
        }

        return false;
    }

    /// <summary>What lies below the entries of a range: leaves, or tables of the next level, and one for each entry.</summary>
    /// <param name="table">The table.</param>
    /// <param name="level">Its level.</param>
    /// <param name="pages">The range, inside of the table's.</param>
    /// <param name="only">First page of the only entry that is populated; <see cref="PageTables.Pages"/> when there are more.</param>
    private long WeightOf(ulong* table, int level, VpnRange pages, out ulong only)
    {
        long weight = 0;
        int populated = 0;
        only = PageTables.Pages;
        for (ulong page = pages.Start; page < pages.End; page = NextEntry(page, level))
        {
            int of = WeightOf(table, level, page);
            weight += of;
            populated += of != 0 ? 1 : 0;
            only = populated == 1 && of != 0 ? page & ~(PageTables.Span(level) - 1) : only;
        }

        only = populated == 1 ? only : PageTables.Pages;
        return weight;
    }

    /// <summary>The first page of an entry at which about half of the weight is left; not the first that is populated.</summary>
    private ulong MiddleOf(ulong* table, int level, VpnRange pages, long half)
    {
        long weight = 0;
        ulong page = pages.Start;
        ulong last = page;
        for (; page < pages.End && (weight == 0 || weight < half); page = NextEntry(page, level))
        {
            weight += WeightOf(table, level, page);
            last = page;
        }

        // The last populated entry goes to the other half, when all the weight is in it.
        return page < pages.End && HasWeight(table, level, new VpnRange(page, pages.End)) ? page : last;
    }

    private bool HasWeight(ulong* table, int level, VpnRange pages)
    {
        for (ulong page = pages.Start; page < pages.End; page = NextEntry(page, level))
        {
            if (WeightOf(table, level, page) != 0)
            {
                return true;
            }
        }

        return false;
    }

    private int WeightOf(ulong* table, int level, ulong page)
    {
        var below = (ulong*)table[PageTables.Index(page, level)];
        return below == SharedTables.Empty(level - 1) ? 0 : level == 1 ? 1 : 1 + _tables.HeadOf(below).Population;
    }

    private static ulong NextEntry(ulong page, int level) => (page | (PageTables.Span(level) - 1)) + 1;
}
