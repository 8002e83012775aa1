using System.Globalization;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Model.Vmap;

/// <summary>
/// What an allocator of ranges should have, kept in plain lists: which ranges there are and where, which mark each of their pages shows, and which frames
/// the program has. Makes random calls and holds the allocator against it.
/// </summary>
internal sealed unsafe class VmapModel(VmapAllocator vmap, MappedFramesPlatform platform, int seed)
{
    private const nuint Page = Pfn.FrameBytes;
    private const int HistoryMost = 60;

    private readonly Random _random = new(seed);
    private readonly List<ModelRange> _ranges = [];
    private readonly List<Pfn> _held = [];
    private readonly Dictionary<Pfn, ulong> _marks = [];
    private readonly Queue<string> _history = [];
    private ulong _mark;

    /// <summary>The last calls.</summary>
    public string History => string.Join("; ", _history);

    /// <summary>Makes so many calls, then gives everything back.</summary>
    public void Run(int steps)
    {
        const int StepsOfCheck = 20;
        const int StepsOfRest = 150;
        for (int step = 1; step <= steps; step++)
        {
            Step();
            CheckPages();
            if (step % StepsOfCheck == 0)
            {
                _ranges.ForEach(CheckContent);
            }

            if (step % StepsOfRest == 0)
            {
                CheckAtRest();
            }
        }

        while (_ranges.Count > 0)
        {
            GiveBack(_ranges[^1]);
        }

        vmap.FreeFrames([.. _held]);
        _held.Clear();
        CheckAtRest();
        Assert.Empty(vmap.GetAreas());
        Assert.Equal((0, 1), (platform.MappedPages, vmap.GetStatistics().FreeRanges));
    }

    private void Step()
    {
        switch (_random.Next(16))
        {
            case 0 or 1 or 2 or 3:
                Alloc();
                break;
            case 4 or 5 or 6 or 7 when _ranges.Count > 0:
                GiveBack(_ranges[_random.Next(_ranges.Count)]);
                break;
            case 8:
                TakeFrames();
                break;
            case 9 when _held.Count > 0:
                int which = _random.Next(_held.Count);
                Say($"free frame {_held[which]}");
                vmap.FreeFrames([_held[which]]);
                _held.RemoveAt(which);
                break;
            case 10 or 11 when _held.Count > 0:
                Map();
                break;
            case 12:
                Realloc();
                break;
            case 13:
                Alias();
                break;
            case 14:
                Reclaim();
                break;
            default:
                Look();
                break;
        }
    }

    private void Alloc()
    {
        if (Count(ModelKind.Alloc) + Count(ModelKind.PerCore) > 40)
        {
            return;
        }

        VmapFlags flags = (VmapFlags)_random.Next(4);
        uint pages = (uint)_random.Next(1, _random.Next(6) == 0 ? 80 : 9);
        if (_random.Next(12) == 0)
        {
            VmapPerCoreArea units = vmap.AllocPerCore(pages * Page, flags);
            Say($"{pages} pages a core, {flags}");
            Add(new ModelRange((nuint)units.Address, pages * (uint)units.CoreCount, GuardOf(flags), ModelKind.PerCore), fresh: (flags & VmapFlags.Zeroed) != 0);
            return;
        }

        bool huge = _random.Next(20) == 0 && !_ranges.Any(range => range.Pages > 512);
        (pages, flags) = huge ? (600, flags | VmapFlags.Huge) : (pages, flags);
        nuint alignment = (nuint)1 << _random.Next(0, 17);
        Say($"{pages} pages, {flags}, aligned to {alignment}");
        nuint address = (nuint)vmap.Alloc(pages * Page, flags, alignment);
        Assert.Equal((nuint)0, address % nuint.Max(alignment, Page));
        Add(new ModelRange(address, pages, GuardOf(flags), ModelKind.Alloc) { IsHuge = huge }, fresh: (flags & VmapFlags.Zeroed) != 0);
    }

    private void TakeFrames()
    {
        if (_held.Count > 60)
        {
            return;
        }

        Pfn[] frames = new Pfn[_random.Next(1, 12)];
        vmap.AllocateFrames(frames, FrameFlags.Zeroed);
        Say($"{frames.Length} frames");
        foreach (Pfn frame in frames)
        {
            Assert.Equal((0u, true), vmap.References(frame));
            Assert.Equal(0, platform.PagesOf(frame));
            Assert.DoesNotContain(frame, _held);
            _marks[frame] = 0;
        }

        _held.AddRange(frames);
    }

    /// <summary>Frames that are held, the same one more than once among them, as a usual or as a short-lived map.</summary>
    private void Map()
    {
        if (Count(ModelKind.Map) + Count(ModelKind.Short) > 60)
        {
            return;
        }

        Pfn[] frames = [.. Enumerable.Range(0, _random.Next(1, 20)).Select(_ => _held[_random.Next(_held.Count)])];
        bool isShort = _random.Next(2) == 0;
        uint guard = isShort ? 0 : (uint)_random.Next(2);
        Say($"map {frames.Length} frames {(isShort ? "for a moment" : "")}");
        nuint address = isShort ? (nuint)vmap.MapRam(frames) : (nuint)vmap.Map(frames, guard != 0 ? VmapFlags.Guarded : VmapFlags.None);
        var range = new ModelRange(address, (uint)frames.Length, guard, isShort ? ModelKind.Short : ModelKind.Map) { Frames = frames };
        _ranges.Add(range);
        CheckContent(range);
        Mark(range, _random.Next(frames.Length));
    }

    private void Realloc()
    {
        ModelRange? range = Any(found => found is { Kind: ModelKind.Alloc, Frames: null, IsHuge: false });
        if (range is null)
        {
            return;
        }

        CheckContent(range);
        uint pages = (uint)_random.Next(1, 30);
        Say($"realloc {range.Pages} to {pages} pages");
        range.Address = (nuint)vmap.Realloc((void*)range.Address, pages * Page, VmapFlags.Zeroed);
        uint now = vmap.FindArea((void*)range.Address)!.Value.Pages;
        Assert.InRange(now, pages, uint.Max(pages, range.Pages));
        range.Resize(now);
        range.Marks.AsSpan((int)uint.Min(pages, range.Known)).Clear();
        range.Known = pages;
        CheckContent(range);
    }

    /// <summary>The frames of an allocated range appear a second time.</summary>
    private void Alias()
    {
        ModelRange? range = Any(found => found is { Kind: ModelKind.Alloc, IsHuge: false });
        if (range is null || Count(ModelKind.Map) > 60)
        {
            return;
        }

        if (range.Frames is null)
        {
            range.Frames = [.. Enumerable.Range(0, (int)range.Pages).Select(page => vmap.FrameOf((void*)(range.Address + ((nuint)page * Page))))];
            for (int page = 0; page < range.Pages; page++)
            {
                _marks[range.Frames[page]] = *(ulong*)(range.Address + ((nuint)page * Page));
            }
        }

        Say($"alias of {range.Pages} pages");
        var alias = new ModelRange((nuint)vmap.Map(range.Frames), range.Pages, 0, ModelKind.Map) { Frames = range.Frames };
        _ranges.Add(alias);
        Mark(alias, _random.Next((int)alias.Pages));
        CheckContent(range);
    }

    private void GiveBack(ModelRange range)
    {
        CheckContent(range);
        Say($"give {range.Kind} of {range.Pages} pages back");
        _ranges.Remove(range);
        switch (range.Kind)
        {
            case ModelKind.Short:
                vmap.UnmapRam((void*)range.Address, (int)range.Pages);
                break;
            case ModelKind.Map:
                vmap.Unmap((void*)range.Address);
                Assert.Throws<MemoryFaultException>(() => vmap.Unmap((void*)range.Address));
                break;
            default:
                vmap.Free((void*)range.Address);
                break;
        }
    }

    private void Reclaim()
    {
        int what = _random.Next(6);
        Say($"reclaim {what}");
        switch (what)
        {
            case 0:
                vmap.Purge();
                break;
            case 1:
                vmap.Purge(pools: true);
                break;
            case 2:
                vmap.UnmapAliases();
                break;
            case 3:
                _ = vmap.Trim();
                break;
            case 4:
                vmap.TrimIdle();
                _ = vmap.PollReporter();
                break;
            default:
                _ = vmap.Shrink(10);
                break;
        }
    }

    /// <summary>Reads a range and what is behind it, without a fault whatever that is.</summary>
    private void Look()
    {
        if (Any(_ => true) is not { } range)
        {
            return;
        }

        byte[] copy = new byte[(int)((range.Pages + 3) * Page)];
        Assert.True(vmap.Read((void*)range.Address, copy) >= range.Pages * Page);
        Assert.True(new ReadOnlySpan<byte>((void*)range.Address, (int)(range.Pages * Page)).SequenceEqual(copy.AsSpan(0, (int)(range.Pages * Page))));
        VmapAreaInfo area = vmap.FindArea((void*)(range.Address + (range.Pages * Page) - 1))!.Value;
        Assert.Equal(range.Kind == ModelKind.Short ? VmapAreaState.Block : VmapAreaState.Busy, area.State);
    }

    private void Add(ModelRange range, bool fresh)
    {
        if (fresh)
        {
            CheckContent(range);
        }

        range.Known = range.Pages;
        _ranges.Add(range);
        for (int page = 0; page < range.Pages; page++)
        {
            Mark(range, page);
        }
    }

    private void Mark(ModelRange range, int page)
    {
        ulong mark = ++_mark;
        *(ulong*)(range.Address + ((nuint)page * Page)) = mark;
        if (range.Frames is { } frames)
        {
            _marks[frames[page]] = mark;
        }
        else
        {
            range.Marks[page] = mark;
        }
    }

    private void CheckContent(ModelRange range)
    {
        for (int page = 0; page < range.Pages; page++)
        {
            ulong expected = range.Frames is { } frames ? _marks[frames[page]] : range.Marks[page];
            if (page < range.Known || range.Frames is not null)
            {
                Assert.Equal(expected, *(ulong*)(range.Address + ((nuint)page * Page)));
            }
        }
    }

    /// <summary>Ranges do not overlap, and those that are handed out are as many pages as the allocator says.</summary>
    private void CheckPages()
    {
        nuint end = 0;
        foreach (ModelRange range in _ranges.OrderBy(range => range.Address))
        {
            Assert.True(range.Address >= end, "Two ranges overlap.");
            end = range.Address + ((range.Pages + range.GuardPages) * Page);
        }

        // A background purge moves pages while they are counted; what is busy is counted as what is left.
        if (vmap.Options.Purge.Executor == PurgeExecutor.Caller)
        {
            Assert.Equal(BusyPages, vmap.GetStatistics().BusyPages);
        }
    }

    /// <summary>With nothing kept for later, everything is accounted for to the page, and the system maps what the model has and no more.</summary>
    private void CheckAtRest()
    {
        vmap.UnmapAliases();
        vmap.Purge(pools: true);
        vmap.Validate();
        _ranges.ForEach(CheckContent);
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal((0, 0, BusyPages), (now.LazyPages, now.PooledPages, now.BusyPages));
        Assert.Equal(now.WindowPages, now.FreePages + now.BusyPages + now.BlockPages);
        Assert.Equal(_ranges.Any(range => range.Kind == ModelKind.Short), now.BlockPages != 0);
        HashSet<Pfn> known = [.. _held, .. _ranges.Where(range => range.Frames is not null).SelectMany(range => range.Frames!)];
        long unknown = _ranges.Where(range => range.Frames is null).Sum(range => range.Pages);
        Assert.Equal((ulong)(known.Count + unknown), now.Frames.AllocatedFrames);
        Assert.Equal(_ranges.Sum(range => range.Pages), platform.MappedPages);
        int real = MappingsOfTheSystem(now.WindowPages);
        Assert.True(now.MappingsInUse >= real, $"{now.MappingsInUse} mappings are counted, and the system has {real}.");
        foreach (Pfn frame in known)
        {
            int pages = _ranges.Where(range => range.Frames is not null).Sum(range => range.Frames!.Count(other => other == frame));
            Assert.Equal(((uint)pages, _held.Contains(frame)), vmap.References(frame));
            Assert.Equal(pages, platform.PagesOf(frame));
        }
    }

    private int MappingsOfTheSystem(long windowPages)
    {
        nuint window = WindowOf(vmap);
        nuint end = window + ((nuint)windowPages * Page);
        return File.ReadLines("/proc/self/maps")
            .Select(line => line.Split('-', ' '))
            .Select(words => (Begin: Parse(words[0]), End: Parse(words[1])))
            .Count(mapping => mapping.End > window && mapping.Begin < end);

        static nuint Parse(string text) => nuint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private long BusyPages => _ranges.Where(range => range.Kind != ModelKind.Short).Sum(range => range.Pages + range.GuardPages);

    private int Count(ModelKind kind) => _ranges.Count(range => range.Kind == kind);

    private ModelRange? Any(Func<ModelRange, bool> wanted)
    {
        ModelRange[] found = [.. _ranges.Where(wanted)];
        return found.Length == 0 ? null : found[_random.Next(found.Length)];
    }

    private static uint GuardOf(VmapFlags flags) => (flags & VmapFlags.Guarded) != 0 ? 1u : 0u;

    private void Say(string call)
    {
        _history.Enqueue(call);
        if (_history.Count > HistoryMost)
        {
            _history.Dequeue();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_window")]
    private static extern ref nuint WindowOf(VmapAllocator vmap);
}
