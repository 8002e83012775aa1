using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Rewrites a part of the layout from left to right: pieces come in order, neighbours merge, and what differs from before is edited into the tree. A dry
/// run over the same pieces counts what the real one will need, so that the real one cannot fail.
/// </summary>
internal unsafe ref struct AreaRewrite
{
    private readonly VmaTree _tree;
    private readonly VmaStore _store;
    private readonly bool _dry;
    private AreaPiece _current;
    private bool _hasCurrent;
    private ulong _begin;
    private ulong _cursor;
    private Batch _batch;
    private int _batched;

    /// <summary>Begins in front of everything that may change.</summary>
    /// <param name="tree">The areas.</param>
    /// <param name="store">Where records come from.</param>
    /// <param name="dry">Whether to count alone.</param>
    /// <param name="cursor">First page that may change.</param>
    public AreaRewrite(VmaTree tree, VmaStore store, bool dry, ulong cursor)
    {
        _tree = tree;
        _store = store;
        _dry = dry;
        _begin = cursor;
        _cursor = cursor;
    }

    /// <summary>Areas that came.</summary>
    public long Added { get; private set; }

    /// <summary>Areas that went; each is detached.</summary>
    public long Removed { get; private set; }

    /// <summary>Edits of the tree.</summary>
    public long Edits { get; private set; }

    /// <summary>Pages that came in areas, less those that went.</summary>
    public long Pages { get; private set; }

    /// <summary>Adds the next piece.</summary>
    public void Put(AreaPiece piece)
    {
        Invariant.Assert(!piece.Spec.Pages.IsEmpty, $"A piece of the layout is {piece.Spec.Pages}.");
        Invariant.Assert(
            !_hasCurrent || piece.Spec.Pages.Start >= _current.Spec.Pages.End,
            $"The piece {piece.Spec.Pages} comes behind {_current.Spec.Pages}.");
        if (_hasCurrent && AreaPiece.TryMerge(_current, piece, out AreaPiece merged))
        {
            _current = merged;
            return;
        }

        Flush();
        _current = piece;
        _hasCurrent = true;
    }

    /// <summary>Ends. Between the last piece and the end nothing is left.</summary>
    public void Finish(ulong end)
    {
        Flush();
        EditUpTo(ulong.Max(end, _cursor));
    }

    private void Flush()
    {
        if (!_hasCurrent)
        {
            return;
        }

        _hasCurrent = false;
        VpnRange pages = _current.Spec.Pages;
        if (_current.Same != null)
        {
            EditUpTo(pages.Start);
            _begin = pages.End;
            _cursor = pages.End;
            return;
        }

        Invariant.Assert(_batched < VmaTree.InsertedMax, $"{_batched} areas wait to be put in.");
        if (!_dry)
        {
            _batch[_batched] = (nuint)_store.TakeRecord(_current.Spec);
        }

        _batched++;
        _cursor = pages.End;
        Added++;
        Pages += (long)pages.Pages;
        if (_batched == VmaTree.InsertedMax)
        {
            EditUpTo(_cursor);
        }
    }

    private void EditUpTo(ulong end)
    {
        Invariant.Assert(end >= _begin, $"The layout is rewritten from page {_begin:x} back to {end:x}.");
        long removed = Remove(new VpnRange(_begin, end));
        if (removed + _batched > 0)
        {
            Edits++;
            if (!_dry)
            {
                _tree.Edit(_begin, end, ((ReadOnlySpan<nuint>)_batch)[.._batched]);
            }
        }

        _batched = 0;
        _begin = end;
        _cursor = end;
    }

    /// <summary>Detaches the areas that begin in a range. The tree without them is published later.</summary>
    private long Remove(VpnRange range)
    {
        long removed = 0;
        Vma* area = _tree.FirstBehind(range.Start);
        if (area != null && area->Start < range.Start)
        {
            // Counted already: a dry run leaves in the tree what the real one has cut by now.
            area = _tree.FirstBehind(area->End);
        }

        while (area != null && area->Start < range.End)
        {
            Invariant.Assert(!area->State.IsDetached, $"The area {area->Range} is in the tree and detached.");
            removed++;
            Pages -= (long)area->Range.Pages;
            if (!_dry)
            {
                area->Detach();
                _store.Retire(area);
            }

            area = _tree.FirstBehind(area->End);
        }

        Removed += removed;
        return removed;
    }

    [InlineArray(VmaTree.InsertedMax)]
    private struct Batch
    {
        private nuint _first;
    }
}
