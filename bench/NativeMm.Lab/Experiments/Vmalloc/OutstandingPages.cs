// Purpose      how many freed pages are still mapped, watched from outside: the product's own count is what is being judged.
// States       a page counts from before it enters the lazy set until it is free space again; in between it may be detached, which is when it is
//              unmapped. A detached piece that the system refused to unmap enters the set again while it counts already.
// Ownership    _pages, _peak, _over | anybody | atomic add, CAS loop
//              _detached, a bit for the first page of each detached piece | set by whoever detaches, one at a time, while no piece is detached;
//                cleared by whoever gives the piece back or adds it again | plain set, atomic clear; anybody's acquire load
// Ordering     a piece reaches those who take it down through the purge's own synchronization, and its bit with it. Nobody else looks for the bit
//              of that page meanwhile: its addresses are the purge's, and the bit is cleared before they are given back. The product counts a
//              page before this does and gives it up after this did: what is counted here is never more than what the product should count.
// Progress     lock-free.

using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Counts the pages that were freed and are not free space yet. Thread-safe.</summary>
/// <param name="windowPages">Pages of the window.</param>
/// <param name="bound">Pages that there may be at any moment.</param>
internal sealed class OutstandingPages(uint windowPages, long bound)
{
    private const int BitsOfWord = 32;

    private readonly uint[] _detached = new uint[((long)windowPages + BitsOfWord - 1) / BitsOfWord];
    private long _pages;
    private ulong _peak;
    private long _over;

    /// <summary>Pages at this moment.</summary>
    public long Now => Atomic.LoadAcquire(ref _pages);

    /// <summary>Most pages that there ever were.</summary>
    public long Peak => (long)Atomic.LoadAcquire(ref _peak);

    /// <summary>How many additions brought them above the bound.</summary>
    public long OverBound => Atomic.LoadAcquire(ref _over);

    /// <summary>Begins anew with what there is. Call it at rest.</summary>
    public void Forget() => (_peak, _over) = ((ulong)_pages, 0);

    /// <summary>A range is about to enter the lazy set.</summary>
    public void Adding(PageRange range)
    {
        if (IsDetached(range))
        {
            Clear(range);
            return;
        }

        long now = Atomic.Add(ref _pages, range.Pages);
        if (now > bound)
        {
            Atomic.Add(ref _over, 1);
        }

        RaisePeak((ulong)now);
    }

    /// <summary>Pieces left the lazy set and are still mapped.</summary>
    public void Detached(ReadOnlySpan<PageRange> pieces)
    {
        foreach (PageRange piece in pieces)
        {
            _detached[piece.Start / BitsOfWord] |= BitOf(piece);
        }
    }

    /// <summary>Pieces were unmapped and are about to be given back.</summary>
    /// <returns>Their pages, for <see cref="GivenBack"/>.</returns>
    public long GivingBack(ReadOnlySpan<PageRange> pieces)
    {
        long pages = 0;
        foreach (PageRange piece in pieces)
        {
            Clear(piece);
            pages += piece.Pages;
        }

        return pages;
    }

    /// <summary>Pages are free space again.</summary>
    public void GivenBack(long pages) => Atomic.Add(ref _pages, -pages);

    private static uint BitOf(PageRange piece) => 1u << (int)(piece.Start % BitsOfWord);

    private bool IsDetached(PageRange piece) => (Atomic.LoadAcquire(ref _detached[piece.Start / BitsOfWord]) & BitOf(piece)) != 0;

    private void Clear(PageRange piece) => Atomic.And(ref _detached[piece.Start / BitsOfWord], ~BitOf(piece));

    private void RaisePeak(ulong pages)
    {
        ulong peak = Atomic.LoadAcquire(ref _peak);
        while (pages > peak && !Atomic.CompareExchange(ref _peak, peak, pages))
        {
            peak = Atomic.LoadAcquire(ref _peak);
        }
    }
}
