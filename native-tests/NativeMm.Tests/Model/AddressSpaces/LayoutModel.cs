using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Model.AddressSpaces;

/// <summary>
/// A layout beside a naive one, which has a kind and a content for each page. A step is a number; the same number is the same step. What the layout refuses for
/// want of memory or of areas must have changed nothing.
/// </summary>
internal sealed class LayoutModel(LayoutFixture fixture)
{
    public const int Pages = 96;

    private readonly PageKind?[] _kinds = new PageKind?[2 * Pages];
    private readonly int[] _content = new int[2 * Pages];
    private readonly List<string> _history = [];
    private int _written;

    public string History => string.Join(Environment.NewLine, _history.TakeLast(40));

    /// <summary>Refusals for want of memory, frames or areas.</summary>
    public int Refusals { get; private set; }

    public void Step(uint code)
    {
        int start = (int)(code / 16 % Pages);
        int length = 1 + (int)(code / 2048 % 12);
        int end = int.Min(start + length, Pages);
        var protection = (Protection)(code / 65536 % 3);
        VmaFlags flags = (code / 262144 % 4) == 0 ? VmaFlags.HugePages : VmaFlags.None;
        int target = (int)(code / 1048576 % Pages);
        int targetPages = int.Min(1 + (int)(code / 33554432 % 14), Pages - target);
        switch (code % 16)
        {
            case < 3: MapFixed(start, end, protection, flags); break;
            case 3: MapNoReplace(start, end, protection, flags); break;
            case 4: MapAnywhere(start, length, protection, flags); break;
            case < 8: Unmap(start, end); break;
            case < 10: Modify(start, end, new AreaChange(protection)); break;
            case 10: Modify(start, end, flags == 0 ? new AreaChange(null, Set: VmaFlags.HugePages) : new AreaChange(null, Clear: VmaFlags.HugePages)); break;
            case 11: Discard(start, end); break;
            case 12: RemapInPlace(start, end, targetPages); break;
            case 13: Move(start, end, target, targetPages, keep: false); break;
            case 14: Move(start, end, target, end - start, keep: true); break;
            default: Write(start, end); break;
        }

        Compare();
    }

    /// <summary>Compares all areas, which must be as few as they can be, every lookup and every content.</summary>
    public void Compare()
    {
        fixture.Layout.Validate();
        var expected = new List<AreaSpec>();
        for (int page = 0; page < _kinds.Length; page++)
        {
            if (_kinds[page] is not { } kind)
            {
                continue;
            }

            int first = page;
            while (page + 1 < _kinds.Length && _kinds[page + 1] == kind)
            {
                page++;
            }

            expected.Add(new AreaSpec(LayoutFixture.Pages((ulong)first, (ulong)page + 1), kind.Protection, kind.Flags));
        }

        Assert.Equal(expected, fixture.AllAreas());
        for (int page = 0; page < _kinds.Length; page++)
        {
            Assert.Equal(_kinds[page], Found(page));
            Assert.Equal(_content[page], fixture.Tables.Read(LayoutFixture.Base + (ulong)page));
        }
    }

    private unsafe PageKind? Found(int page)
    {
        Vma* area = fixture.Find((ulong)page);
        return area == null ? null : new PageKind(area->Protection, area->Flags);
    }

    private void MapFixed(int start, int end, Protection protection, VmaFlags flags)
    {
        if (Did($"map {start}-{end} {protection} {flags}", Request(start, end, protection, flags, Placement.Fixed)))
        {
            Place(start, end, new PageKind(protection, flags));
        }
    }

    private void MapNoReplace(int start, int end, Protection protection, VmaFlags flags)
    {
        int occupied = Array.FindIndex(_kinds, start, end - start, kind => kind is not null);
        LayoutResult result = Request(start, end, protection, flags, Placement.FixedNoReplace);
        if (occupied >= 0)
        {
            Said($"map {start}-{end} unless occupied", result, LayoutOutcome.Occupied);
            Assert.Equal(LayoutFixture.Base + (ulong)occupied, result.Page);
        }
        else if (Did($"map {start}-{end} {protection} {flags} unless occupied", result))
        {
            Place(start, end, new PageKind(protection, flags));
        }
    }

    private void MapAnywhere(int hint, int length, Protection protection, VmaFlags flags)
    {
        int start = Hole(hint, length);
        if (start + length > _kinds.Length)
        {
            Unmap(0, _kinds.Length);
            return;
        }

        LayoutResult result = Request(hint, hint + length, protection, flags, Placement.Anywhere);
        if (Did($"map {length} pages from {hint} on {protection} {flags}", result))
        {
            Assert.Equal(LayoutFixture.Base + (ulong)start, result.Page);
            Place(start, start + length, new PageKind(protection, flags));
        }
    }

    private void Unmap(int start, int end)
    {
        if (Did($"unmap {start}-{end}", fixture.Layout.Unmap(Range(start, end))))
        {
            Place(start, end, null);
        }
    }

    private void Modify(int start, int end, AreaChange change)
    {
        LayoutResult result = fixture.Layout.Modify(Range(start, end), change);
        if (IsMapped($"{change} {start}-{end}", start, end, result))
        {
            for (int page = start; page < end; page++)
            {
                PageKind kind = _kinds[page]!.Value;
                _kinds[page] = new PageKind(change.Protection ?? kind.Protection, (kind.Flags & ~change.Clear) | change.Set);
            }
        }
    }

    private void Discard(int start, int end)
    {
        if (IsMapped($"discard {start}-{end}", start, end, fixture.Layout.Discard(Range(start, end), free: true)))
        {
            Array.Clear(_content, start, end - start);
        }
    }

    private void Write(int start, int end)
    {
        for (int page = start; page < end; page++)
        {
            if (_kinds[page] is not null)
            {
                _content[page] = ++_written;
                fixture.Tables.Content[LayoutFixture.Base + (ulong)page] = _written;
            }
        }
    }

    private void RemapInPlace(int start, int end, int pages)
    {
        LayoutResult result = fixture.Layout.Remap(Range(start, end), (ulong)pages, RemapFlags.None, 0);
        string what = $"remap {start}-{end} to {pages} pages";
        if (!IsOneArea(what, start, end, result))
        {
            return;
        }

        int newEnd = start + pages;
        bool hasRoom = newEnd <= end || (_kinds[end] is null && Array.FindIndex(_kinds, end, newEnd - end, kind => kind is not null) < 0);
        if (!hasRoom)
        {
            Said(what, result, LayoutOutcome.NoRoom);
        }
        else if (Did(what, result))
        {
            PageKind? kind = _kinds[start];
            if (newEnd < end)
            {
                Place(newEnd, end, null);
            }
            else
            {
                Array.Fill(_kinds, kind, end, newEnd - end);
            }
        }
    }

    private void Move(int start, int end, int target, int pages, bool keep)
    {
        pages = int.Min(pages, Pages - target);
        if (pages == 0 || (start < target + pages && target < end) || (keep && pages != end - start))
        {
            return;
        }

        RemapFlags flags = RemapFlags.MayMove | RemapFlags.Fixed | (keep ? RemapFlags.KeepSource : 0);
        LayoutResult result = fixture.Layout.Remap(Range(start, end), (ulong)pages, flags, LayoutFixture.Base + (ulong)target);
        string what = $"move {start}-{end} to {target}-{target + pages}{(keep ? " and keep" : "")}";
        if (!IsOneArea(what, start, end, result) || !Did(what, result))
        {
            return;
        }

        PageKind? kind = _kinds[start];
        int[] moved = _content[start..end];
        Place(start, end, keep ? kind : null);
        Place(target, target + pages, kind);
        moved.AsSpan(0, int.Min(moved.Length, pages)).CopyTo(_content.AsSpan(target));
    }

    private bool IsMapped(string what, int start, int end, LayoutResult result)
    {
        int missing = Array.FindIndex(_kinds, start, end - start, kind => kind is null);
        if (missing < 0)
        {
            return Did(what, result);
        }

        Said(what, result, LayoutOutcome.NotMapped);
        Assert.Equal(LayoutFixture.Base + (ulong)missing, result.Page);
        return false;
    }

    private bool IsOneArea(string what, int start, int end, LayoutResult result)
    {
        if (_kinds[start] is null)
        {
            Said(what, result, LayoutOutcome.NotMapped);
            return false;
        }

        if (Array.FindIndex(_kinds, start, end - start, kind => kind != _kinds[start]) >= 0)
        {
            Said(what, result, LayoutOutcome.SeveralAreas);
            return false;
        }

        return true;
    }

    private bool Did(string what, LayoutResult result)
    {
        _history.Add($"{what}: {result.Outcome}");
        if (result.Outcome is LayoutOutcome.NoMetadata or LayoutOutcome.NoFrames or LayoutOutcome.TooManyAreas)
        {
            Refusals++;
            return false;
        }

        Assert.Equal(LayoutOutcome.Done, result.Outcome);
        return true;
    }

    private void Said(string what, LayoutResult result, LayoutOutcome expected)
    {
        _history.Add($"{what}: {result.Outcome}");
        Assert.Equal(expected, result.Outcome);
    }

    private void Place(int start, int end, PageKind? kind)
    {
        Array.Fill(_kinds, kind, start, end - start);
        Array.Clear(_content, start, end - start);
    }

    private int Hole(int from, int length)
    {
        int start = from;
        for (int page = from; page < start + length; page++)
        {
            start = page < _kinds.Length && _kinds[page] is not null ? page + 1 : start;
        }

        return start;
    }

    private LayoutResult Request(int start, int end, Protection protection, VmaFlags flags, Placement placement) =>
        fixture.Layout.Map(new MapRequest((ulong)(end - start), protection, flags, placement, LayoutFixture.Base + (ulong)start));

    private static VpnRange Range(int start, int end) => LayoutFixture.Pages((ulong)start, (ulong)end);

    private readonly record struct PageKind(Protection Protection, VmaFlags Flags);
}
