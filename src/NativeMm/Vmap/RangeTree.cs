// Purpose      disjoint page ranges by address, with the largest of each subtree, so that the lowest range of some size is found in O(log n).
//
// Structure    a treap: a search tree by Start and a heap by random priorities, so that it is balanced whatever the order of operations
//              (expected depth 2 ln n). Ranges never touch: what touches is merged when it is added.
//
// Fits         Full         the node goes            LeftEdge   Start moves up, the order of the nodes stays
//              RightEdge    Pages shrink             Inside     Pages shrink, a new node behind
//
// Augment      Largest = max(Pages, Largest of both children), recomputed on the way back of every descent that changed something.
//
// Memory       nodes live in one reserved array beside the window and are never moved; a free node is linked by Left. Taking one cannot fail
//              while there are no more ranges than the owner had memory opened for (TryOpen), so that nothing is allocated under the owner's lock.
//
// Threads      none: the owner has a lock. Populate alone is for anybody at any time: it changes no byte, and what it reads may be stale.
//
// Source       treaps: Aragon and Seidel 1989. The search is that of Linux's vmalloc with its augmented red-black tree (mm/vmalloc.c), without
//              its padding of aligned requests unless many ranges were tried in vain.

using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>Disjoint ranges of pages ordered by address. Not thread-safe.</summary>
internal sealed unsafe partial class RangeTree : IDisposable
{
    /// <summary>Ranges that an aligned search tries one by one before it looks for one that fits at any offset.</summary>
    internal const int ProbesMax = 256;

    private readonly nuint _pageBytes;
    private readonly nuint _firstPage;
    private readonly uint _nodesMax;
    private readonly BookkeepingTable _table;
    private readonly RangeNode* _nodes;
    private nuint _populatedEnd;
    private uint _root;
    private uint _freshNode = 1;
    private uint _freeNode;
    private uint _random = 0x9E3779B9;

    /// <summary>Makes an empty tree.</summary>
    /// <param name="geometry">What it is for.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the nodes.</exception>
    public RangeTree(FreeSpaceGeometry geometry)
    {
        _pageBytes = geometry.Platform.PageBytes;
        _firstPage = geometry.FirstPage;
        _nodesMax = geometry.RangesMax;

        // Node 0, which is none, and a range.
        _table = new BookkeepingTable(geometry.Platform, sizeof(RangeNode), (nuint)_nodesMax + 1, 2);
        _nodes = (RangeNode*)_table.Address;
        _populatedEnd = _table.Address;
    }

    /// <summary>Number of ranges.</summary>
    public long Count { get; private set; }

    /// <summary>Pages of all ranges.</summary>
    public long Pages { get; private set; }

    /// <summary>Pages of the largest range.</summary>
    public uint Largest => _root == 0 ? 0 : _nodes[_root].Largest;

    /// <summary>How pages lie in a range that they are taken from.</summary>
    public static RangeFit FitOf(PageRange range, PageRange taken) =>
        taken.Start == range.Start
            ? taken.Pages == range.Pages ? RangeFit.Full : RangeFit.LeftEdge
            : taken.End == range.End ? RangeFit.RightEdge : RangeFit.Inside;

    /// <summary>Sees to it that there is memory for so many ranges and one more. For one caller at a time, beside any other use.</summary>
    public PlatformResult TryOpen(uint ranges) => _table.TryOpen((nuint)ranges + 2);

    /// <summary>Takes pages at the lowest address where they fit.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="alignPages">Power of two that the page number of the first, counted from address 0, is a multiple of.</param>
    /// <param name="start">The first page.</param>
    /// <remarks>
    /// With an alignment above a page the lowest is certain only while fewer than <see cref="ProbesMax"/> ranges that are long enough fail by their
    /// alignment; then a range is taken that is longer by the alignment, if there is one.
    /// </remarks>
    public bool TryTake(uint pages, nuint alignPages, out uint start)
    {
        Invariant.Assert(pages != 0 && BitOperations.IsPow2(alignPages), $"{pages} pages are taken at a multiple of {alignPages}.");
        start = 0;
        uint node = Find(pages, alignPages);
        if (node == 0)
        {
            return false;
        }

        bool fits = TryPlace(_nodes[node].Start, _nodes[node].Pages, pages, alignPages, out start);
        Invariant.Check(fits, "A free range that was found does not fit.");
        Invariant.Assert(((_firstPage + start) & (alignPages - 1)) == 0, $"Page {start} is no multiple of {alignPages}.");
        Cut(node, new PageRange(start, pages));
        return true;
    }

    /// <summary>Takes exactly these pages if all of them are in one range.</summary>
    public bool TryTakeAt(PageRange range)
    {
        Invariant.Assert((Count == 0) == (_root == 0), $"{Count} ranges hang at node {_root}.");
        Invariant.Assert(range.Pages != 0 && range.End > range.Start, $"Pages {range.Start} to {range.End} are asked for.");
        uint node = AtOrBelow(range.Start);
        if (node == 0 || _nodes[node].End < (ulong)range.Start + range.Pages)
        {
            return false;
        }

        Cut(node, range);
        return true;
    }

    /// <summary>Adds a range and merges it with the neighbours that it touches.</summary>
    /// <exception cref="InvariantViolationException">The range overlaps one that is here already.</exception>
    public void Give(PageRange range)
    {
        Invariant.Assert(range.Pages != 0 && range.End > range.Start, $"Pages {range.Start} to {range.End} are added.");
        Neighbours(range.Start, out uint before, out uint behind);
        Invariant.Check(
            (before == 0 || _nodes[before].End <= range.Start) && (behind == 0 || range.End <= _nodes[behind].Start),
            $"Pages {range.Start} to {range.End} are in the tree already, in part.");
        Pages += range.Pages;
        bool touchesBefore = before != 0 && _nodes[before].End == range.Start;
        bool touchesBehind = behind != 0 && range.End == _nodes[behind].Start;
        if (touchesBefore && touchesBehind)
        {
            uint pages = _nodes[behind].Pages;
            Remove(behind);
            _nodes[before].Pages += range.Pages + pages;
            Refresh(_root, _nodes[before].Start);
        }
        else if (touchesBefore)
        {
            _nodes[before].Pages += range.Pages;
            Refresh(_root, _nodes[before].Start);
        }
        else if (touchesBehind)
        {
            _nodes[behind].Start = range.Start;
            _nodes[behind].Pages += range.Pages;
            Refresh(_root, range.Start);
        }
        else
        {
            Insert(range);
        }

        Invariant.Assert(
            Count > 0 && Largest >= range.Pages && Pages >= Largest,
            $"{range.Pages} pages were added, and of {Pages} in {Count} ranges the largest has {Largest}.");
    }

    /// <summary>
    /// Touches the memory of nodes that are about to be used for the first time, so that no page fault comes while the owner's lock is held.
    /// </summary>
    /// <param name="count">How many ranges are about to be added.</param>
    public void Populate(uint count)
    {
        nuint fresh = (nuint)(_nodes + Atomic.LoadAcquire(ref _freshNode) + count);
        nuint end = nuint.Min(_table.OpenEnd, fresh);
        nuint page = Atomic.LoadAcquire(ref _populatedEnd);
        if (page >= end)
        {
            return;
        }

        for (; page < end; page += _pageBytes)
        {
            // An addition of nothing commits the page and loses nothing that the owner writes at this moment.
            Atomic.Add(ref *(uint*)page, 0u);
        }

        // Two at a time may move the mark back; then some pages are touched once more.
        Atomic.StoreRelease(ref _populatedEnd, page);
    }

    /// <summary>Copies all ranges in the order of their addresses.</summary>
    /// <param name="into">Room for <see cref="Count"/> ranges.</param>
    public void CopyTo(PageRange* into)
    {
        PageRange* next = into;
        Copy(_root, ref next);
        Invariant.Assert(next - into == Count, $"{next - into} ranges were copied, of {Count}.");
    }

    /// <summary>Forgets all ranges.</summary>
    public void Clear()
    {
        _root = 0;
        _freshNode = 1;
        _freeNode = 0;
        Count = 0;
        Pages = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _table.Dispose();

    private void Cut(uint node, PageRange taken)
    {
        Pages -= taken.Pages;
        ref RangeNode from = ref _nodes[node];
        Invariant.Assert(
            taken.Pages != 0 && taken.Start >= from.Start && taken.End <= from.End && taken.End > taken.Start,
            $"Pages {taken.Start} to {taken.End} are cut out of {from.Start} to {from.End}.");
        Invariant.Assert(Pages >= 0 && Count > 0, $"{Count} ranges have {Pages} pages.");
        switch (FitOf(new PageRange(from.Start, from.Pages), taken))
        {
            case RangeFit.Full:
                Remove(node);
                break;
            case RangeFit.LeftEdge:
                from.Start += taken.Pages;
                from.Pages -= taken.Pages;
                Refresh(_root, from.Start);
                break;
            case RangeFit.RightEdge:
                from.Pages -= taken.Pages;
                Refresh(_root, from.Start);
                break;
            default:
                var rest = new PageRange(taken.End, from.End - taken.End);
                from.Pages = taken.Start - from.Start;
                Refresh(_root, from.Start);
                Insert(rest);
                break;
        }
    }

    private uint TakeNode(PageRange range)
    {
        Invariant.Assert(range.Pages != 0 && range.End > range.Start, $"A node is taken for pages {range.Start} to {range.End}.");
        uint node = _freeNode;
        if (node != 0)
        {
            _freeNode = _nodes[node].Left;
            Invariant.Assert(node < _freshNode && _freeNode < _freshNode, $"Node {node} is free and was never used.");
        }
        else
        {
            Invariant.Check(_freshNode <= _nodesMax, $"A range tree for {_nodesMax} ranges was given one more.");
            node = _freshNode;
            Atomic.StoreRelease(ref _freshNode, node + 1);
        }

        // Xorshift of 32 bits: never zero, and good enough to keep a treap balanced.
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _nodes[node] = new RangeNode { Start = range.Start, Pages = range.Pages, Largest = range.Pages, Priority = _random };
        return node;
    }

    private bool TryPlace(uint start, uint pages, uint wanted, nuint alignPages, out uint at)
    {
        nuint absolute = _firstPage + start;
        nuint aligned = (absolute + alignPages - 1) & ~(alignPages - 1);
        nuint skipped = aligned - absolute;
        at = (uint)(start + skipped);
        return aligned >= absolute && skipped <= pages && pages - skipped >= wanted;
    }
}
