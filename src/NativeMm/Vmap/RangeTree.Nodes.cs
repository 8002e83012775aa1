using NativeMm.Diagnostics;

namespace NativeMm.Vmap;

/// <content>Searching, inserting and removing nodes, and the proof that the tree is one.</content>
internal sealed unsafe partial class RangeTree
{
    /// <summary>Checks order, balance, gaps and the augmented values of the whole tree.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        long count = 0;
        long pages = 0;
        ulong end = 0;
        bool first = true;
        Check(_root, ref count, ref pages, ref end, ref first);
        Invariant.Check(count == Count && pages == Pages, $"A range tree counts {Count} ranges of {Pages} pages and has {count} of {pages}.");
    }

    private uint Check(uint node, ref long count, ref long pages, ref ulong end, ref bool first)
    {
        if (node == 0)
        {
            return 0;
        }

        RangeNode here = _nodes[node];
        uint left = Check(here.Left, ref count, ref pages, ref end, ref first);
        Invariant.Check(here.Pages > 0, $"The range at page {here.Start} is empty.");
        Invariant.Check(first || here.Start > end, $"The range at page {here.Start} touches or overlaps the one that ends at page {end}.");
        first = false;
        end = (ulong)here.Start + here.Pages;
        count++;
        pages += here.Pages;
        uint right = Check(here.Right, ref count, ref pages, ref end, ref first);
        Invariant.Check(
            _nodes[here.Left].Priority <= here.Priority && _nodes[here.Right].Priority <= here.Priority,
            $"The range at page {here.Start} has a child of a higher priority.");
        uint largest = uint.Max(here.Pages, uint.Max(left, right));
        Invariant.Check(here.Largest == largest, $"The range at page {here.Start} says {here.Largest} for the largest of its subtree, which is {largest}.");
        return largest;
    }

    private uint Find(uint pages, nuint alignPages)
    {
        if (alignPages == 1)
        {
            int unlimited = int.MaxValue;
            return Find(_root, pages, alignPages, ref unlimited);
        }

        int probes = ProbesMax;
        uint node = Find(_root, pages, alignPages, ref probes);
        if (node != 0 || probes > 0)
        {
            return node;
        }

        // Many ranges are long enough and none of them lies well: one that fits at any offset is found in a single descent.
        nuint padded = pages + alignPages - 1;
        probes = int.MaxValue;
        node = padded <= uint.MaxValue ? Find(_root, (uint)padded, 1, ref probes) : 0;
        return node != 0 ? node : Find(_root, pages, alignPages, ref probes);
    }

    private uint Find(uint node, uint pages, nuint alignPages, ref int probes)
    {
        while (node != 0 && _nodes[node].Largest >= pages && probes > 0)
        {
            uint found = Find(_nodes[node].Left, pages, alignPages, ref probes);
            if (found != 0)
            {
                return found;
            }

            if (_nodes[node].Pages >= pages)
            {
                if (probes-- <= 0)
                {
                    return 0;
                }

                if (TryPlace(_nodes[node].Start, _nodes[node].Pages, pages, alignPages, out _))
                {
                    return node;
                }
            }

            node = _nodes[node].Right;
        }

        return 0;
    }

    private uint AtOrBelow(uint page)
    {
        uint best = 0;
        uint node = _root;
        while (node != 0)
        {
            bool below = _nodes[node].Start <= page;
            best = below ? node : best;
            node = below ? _nodes[node].Right : _nodes[node].Left;
        }

        return best;
    }

    private void Neighbours(uint page, out uint before, out uint behind)
    {
        before = 0;
        behind = 0;
        uint node = _root;
        while (node != 0)
        {
            if (_nodes[node].Start <= page)
            {
                before = node;
                node = _nodes[node].Right;
            }
            else
            {
                behind = node;
                node = _nodes[node].Left;
            }
        }
    }

    private void Insert(PageRange range)
    {
        _root = Insert(_root, TakeNode(range));
        Count++;
        Invariant.Assert((_root == 0) == (Count == 0) && Pages >= Count, $"{Count} ranges have {Pages} pages.");
    }

    private uint Insert(uint at, uint node)
    {
        if (at == 0)
        {
            return node;
        }

        uint start = _nodes[node].Start;
        Invariant.Assert(start != _nodes[at].Start, $"Two ranges begin at page {start}.");
        if (_nodes[node].Priority > _nodes[at].Priority)
        {
            Split(at, start, out _nodes[node].Left, out _nodes[node].Right);
            Invariant.Assert(
                (_nodes[node].Left == 0 || _nodes[_nodes[node].Left].End < start) && (_nodes[node].Right == 0 || _nodes[node].End < _nodes[_nodes[node].Right].Start),
                $"The range at page {start} touches those that it was put between.");
            Update(node);
            return node;
        }

        if (start < _nodes[at].Start)
        {
            _nodes[at].Left = Insert(_nodes[at].Left, node);
        }
        else
        {
            _nodes[at].Right = Insert(_nodes[at].Right, node);
        }

        Update(at);
        return at;
    }

    private void Split(uint at, uint start, out uint left, out uint right)
    {
        if (at == 0)
        {
            left = 0;
            right = 0;
            return;
        }

        if (_nodes[at].Start < start)
        {
            Split(_nodes[at].Right, start, out uint middle, out right);
            _nodes[at].Right = middle;
            left = at;
        }
        else
        {
            Split(_nodes[at].Left, start, out left, out uint middle);
            _nodes[at].Left = middle;
            right = at;
        }

        Update(at);
    }

    private void Remove(uint node)
    {
        Invariant.Assert(node != 0 && Count > 0, $"Node {node} of {Count} is removed.");
        _root = Remove(_root, _nodes[node].Start);
        _nodes[node].Left = _freeNode;
        _freeNode = node;
        Count--;
    }

    private uint Remove(uint at, uint start)
    {
        Invariant.Check(at != 0, $"There is no range at page {start}.");
        if (_nodes[at].Start == start)
        {
            return Join(_nodes[at].Left, _nodes[at].Right);
        }

        if (start < _nodes[at].Start)
        {
            _nodes[at].Left = Remove(_nodes[at].Left, start);
        }
        else
        {
            _nodes[at].Right = Remove(_nodes[at].Right, start);
        }

        Update(at);
        return at;
    }

    private uint Join(uint left, uint right)
    {
        if (left == 0 || right == 0)
        {
            return left | right;
        }

        Invariant.Assert(
            _nodes[left].End < _nodes[right].Start,
            $"The range at page {_nodes[left].Start} is joined in front of that at {_nodes[right].Start}.");
        if (_nodes[left].Priority >= _nodes[right].Priority)
        {
            _nodes[left].Right = Join(_nodes[left].Right, right);
            Update(left);
            return left;
        }

        _nodes[right].Left = Join(left, _nodes[right].Left);
        Update(right);
        return right;
    }

    /// <summary>Recomputes the path down to the range that begins at a page.</summary>
    private void Refresh(uint at, uint start)
    {
        Invariant.Assert(at != 0, $"No range begins at page {start}, whose way is refreshed.");
        if (_nodes[at].Start != start)
        {
            Refresh(start < _nodes[at].Start ? _nodes[at].Left : _nodes[at].Right, start);
        }

        Update(at);
    }

    private void Update(uint node)
    {
        Invariant.Assert(
            node != 0 && uint.Max(_nodes[_nodes[node].Left].Priority, _nodes[_nodes[node].Right].Priority) <= _nodes[node].Priority,
            $"The range at page {_nodes[node].Start} has a child of a higher priority.");
        uint children = uint.Max(_nodes[_nodes[node].Left].Largest, _nodes[_nodes[node].Right].Largest);
        _nodes[node].Largest = uint.Max(_nodes[node].Pages, children);
    }

    private void Copy(uint node, ref PageRange* next)
    {
        while (node != 0)
        {
            Copy(_nodes[node].Left, ref next);
            *next++ = new PageRange(_nodes[node].Start, _nodes[node].Pages);
            node = _nodes[node].Right;
        }
    }
}
