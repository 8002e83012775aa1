// Purpose      watches from outside how many freed pages lie in a lazy set: the product's own counters are what is being judged.
// Ownership    _pages, _pagesPeak, _over | anybody | atomic add, CAS loop.
// Ordering     pages are counted before they are in the set and until after they are out of it; none beyond that of the atomic adds.
// Progress     lock-free beside the set itself.

using System.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>A lazy set that is another one and counts its pages. Thread-safe as far as that one is.</summary>
/// <param name="inner">The set; disposed with this.</param>
/// <param name="bound">Pages that may be in the set at any moment.</param>
/// <param name="clock">Told when ranges leave the set.</param>
internal sealed unsafe class ObservedLazySet(LazySet inner, long bound, PurgeClock clock) : LazySet
{
    private long _pages;
    private ulong _pagesPeak;
    private long _over;

    /// <summary>Pages in the set at this moment.</summary>
    public long Pages => Atomic.LoadAcquire(ref _pages);

    /// <summary>Most pages that were ever in the set.</summary>
    public long PagesPeak => (long)Atomic.LoadAcquire(ref _pagesPeak);

    /// <summary>How many adds brought the set above the bound.</summary>
    public long OverBound => Atomic.LoadAcquire(ref _over);

    /// <inheritdoc/>
    public override long Pieces => inner.Pieces;

    /// <inheritdoc/>
    public override PageRange Span => inner.Span;

    /// <summary>Begins anew with what is in the set. Call it at rest.</summary>
    public void ForgetPeak() => (_pagesPeak, _over) = ((ulong)_pages, 0);

    /// <inheritdoc/>
    public override void Add(PageRange range)
    {
        long now = Atomic.Add(ref _pages, range.Pages);
        if (now > bound)
        {
            Atomic.Add(ref _over, 1);
        }

        RaisePeak((ulong)now);
        inner.Add(range);
    }

    /// <inheritdoc/>
    public override int Detach(PageRange* into)
    {
        long begun = Stopwatch.GetTimestamp();
        int count = inner.Detach(into);
        if (count > 0)
        {
            clock.Detached(begun);
        }

        long pages = 0;
        for (int i = 0; i < count; i++)
        {
            pages += into[i].Pages;
        }

        Atomic.Add(ref _pages, -pages);
        return count;
    }

    /// <inheritdoc/>
    public override long Validate() => inner.Validate();

    /// <inheritdoc/>
    public override void Dispose() => inner.Dispose();

    private void RaisePeak(ulong pages)
    {
        ulong peak = Atomic.LoadAcquire(ref _pagesPeak);
        while (pages > peak && !Atomic.CompareExchange(ref _pagesPeak, peak, pages))
        {
            peak = Atomic.LoadAcquire(ref _pagesPeak);
        }
    }
}
