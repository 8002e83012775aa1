// Purpose      freed ranges as Linux kept them before 5.11: an unsorted list that nobody merges, to be measured against.
// States       _head: 0 empty, else the first page of the newest range + 1. _next[page]: the same for the range that was the newest before it.
// Transitions  Add: head → page + 1 by CAS. Detach: head → 0 by exchange.
// Ownership    _next and _pages of a range's first page | who adds the range, then who detaches it | plain | the range is nobody else's.
//              _head | anybody | CAS, exchange. _pieces, _pagesTotal | anybody | atomic add.
// Ordering     [U1] the CAS publishes the two plain writes before it and pairs with [U2], the exchange, or with [U3], the acquire that begins a
//              walk; both counters are added to before the CAS and subtracted from after the exchange, so that they never fall below 0.
// Reuse        a range can be added again as soon as it was detached. Nobody pops single nodes, so a CAS that meets an old head again links to a
//              node that is the head again: nothing is lost.
// Progress     Add is lock-free, Detach and Span are bounded by the number of pieces.
// Source       the list of mm/vmalloc.c up to Linux 5.10, whose nodes lie in the area records; here they lie in arrays by page.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Baselines;

/// <summary>
/// Freed ranges in the order of their frees, newest first, each for itself even where they touch. The first and the last address are known only
/// after a walk over all of them. Thread-safe; <see cref="Detach"/> for one caller at a time, and <see cref="Span"/> beside it is a guess.
/// </summary>
internal sealed unsafe class UnsortedLazySet : LazySet
{
    private readonly IMemoryPlatform _platform;
    private readonly nuint _bytes;
    private readonly uint _windowPages;
    private readonly uint* _next;
    private readonly uint* _pages;
    private uint _head;
    private long _pieces;
    private long _pagesTotal;

    /// <summary>Makes an empty set for a window.</summary>
    public UnsortedLazySet(FreeSpaceGeometry geometry)
    {
        _platform = geometry.Platform;
        _windowPages = geometry.Pages;
        _bytes = (nuint)geometry.Pages * sizeof(uint) * 2;
        PlatformResult result = _platform.Reserve(_bytes, _platform.PageBytes, out nuint words);
        if (!result.Succeeded)
        {
            throw new InsufficientMemoryException($"The system refuses the nodes of an unsorted list: {result}.");
        }

        _next = (uint*)words;
        _pages = _next + geometry.Pages;
    }

    /// <inheritdoc/>
    public override long Pieces => Atomic.LoadAcquire(ref _pieces);

    /// <inheritdoc/>
    public override PageRange Span
    {
        get
        {
            // Beside a Detach whose ranges are added again at once the links may go in a circle: then it is a guess, but one that ends.
            long left = Pieces;
            uint first = uint.MaxValue;
            uint end = 0;
            for (uint node = Atomic.LoadAcquire(ref _head); node != 0 && left-- > 0; node = _next[node - 1]) // [U3] pairs with [U1]
            {
                first = Math.Min(first, node - 1);
                end = Math.Max(end, node - 1 + _pages[node - 1]);
            }

            return end == 0 ? default : new PageRange(first, end - first);
        }
    }

    /// <inheritdoc/>
    public override PlatformResult TryOpen(uint ranges) => PlatformResult.Success;

    /// <inheritdoc/>
    public override void Add(PageRange range)
    {
        Invariant.Check(range.Pages > 0 && range.End <= _windowPages, $"The range of {range.Pages} pages at {range.Start} lies outside the window.");
        _pages[range.Start] = range.Pages;
        Atomic.Add(ref _pagesTotal, range.Pages);
        Atomic.Add(ref _pieces, 1);
        uint head;
        do
        {
            head = Atomic.LoadAcquire(ref _head);
            _next[range.Start] = head;
        }
        while (!Atomic.CompareExchange(ref _head, head, range.Start + 1)); // [U1] pairs with [U2] and [U3]
    }

    /// <inheritdoc/>
    public override int Detach(PageRange* into)
    {
        int count = 0;
        long pages = 0;
        uint node = Atomic.Exchange(ref _head, 0); // [U2] pairs with [U1]
        while (node != 0)
        {
            var range = new PageRange(node - 1, _pages[node - 1]);
            node = _next[node - 1];
            into[count++] = range;
            pages += range.Pages;
        }

        Atomic.Add(ref _pieces, -count);
        Atomic.Add(ref _pagesTotal, -pages);
        return count;
    }

    /// <inheritdoc/>
    public override long Validate()
    {
        long pieces = 0;
        long pages = 0;
        for (uint node = Atomic.LoadAcquire(ref _head); node != 0; node = _next[node - 1])
        {
            Invariant.Check(pieces < _windowPages, "The unsorted list goes in a circle.");
            Invariant.Check(node - 1 + _pages[node - 1] <= _windowPages, $"The unsorted list holds a range at {node - 1} that lies outside the window.");
            pieces++;
            pages += _pages[node - 1];
        }

        Invariant.Check(
            pieces == _pieces && pages == _pagesTotal, $"The unsorted list holds {pieces} pieces of {pages} pages, not {_pieces} of {_pagesTotal}.");
        return pages;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        PlatformResult result = _platform.Release((nuint)_next, _bytes);
        Invariant.Check(result.Succeeded, $"The platform refused to release the nodes of an unsorted list: {result}.");
    }
}
