using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>
/// A thread that takes frames and ranges, writes its mark into each frame, looks at it through every mapping it has, and gives them up in any order. A frame
/// that it gets is mapped nowhere, and one behind a range of its own nowhere else.
/// </summary>
internal sealed unsafe class FrameOwner(VmapAllocator vmap, MappedFramesPlatform platform, int seed)
{
    private const nuint Page = Pfn.FrameBytes;

    private readonly Random _random = new(seed);
    private readonly List<Holding> _holdings = [];
    private readonly List<(nuint Address, uint Pages, ulong Mark)> _ranges = [];
    private ulong _mark = (ulong)seed << 32;

    /// <summary>Frames that it got.</summary>
    public int Received { get; private set; }

    /// <summary>Makes steps and gives everything back.</summary>
    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            Step();
        }

        while (_holdings.Count > 0)
        {
            GiveUp(_holdings[0]);
        }

        _ranges.ForEach(Free);
        _ranges.Clear();
    }

    private void Step()
    {
        switch (_random.Next(12))
        {
            case 0 or 1 when _holdings.Count < 30:
                Take();
                break;
            case 2 or 3 when _holdings.Count > 0:
                Holding again = Any();
                if (again.Maps.Count < 6)
                {
                    Show(again);
                }

                break;
            case 4 or 5 when _holdings.Count > 0:
                Change(Any());
                break;
            case 6 or 7 when _holdings.Count > 0:
                GiveUp(Any());
                break;
            case 8 when _ranges.Count < 20:
                Alloc();
                break;
            case 9 when _ranges.Count > 0:
                int which = _random.Next(_ranges.Count);
                Free(_ranges[which]);
                _ranges.RemoveAt(which);
                break;
            case 10:
                _holdings.ForEach(Check);
                break;
            case 11 when _random.Next(8) == 0:
                vmap.UnmapAliases();
                break;
            case 11:
                vmap.Purge(pools: _random.Next(8) == 0);
                break;
            default:
                break;
        }
    }

    private Holding Any() => _holdings[_random.Next(_holdings.Count)];

    private void Take()
    {
        Pfn[] frames = new Pfn[_random.Next(1, 7)];
        try
        {
            vmap.AllocateFrames(frames, FrameFlags.NoReclaim);
        }
        catch (OutOfMemoryException)
        {
            return;
        }

        Received += frames.Length;
        Assert.All(frames, frame => Assert.True(platform.PagesOf(frame) == 0, $"Frame {frame} was handed out while {platform.PagesOf(frame)} pages map it."));
        var holding = new Holding(frames, ++_mark);
        _holdings.Add(holding);
        Show(holding);
        for (int i = 0; i < frames.Length; i++)
        {
            *(ulong*)(holding.Maps[0].Address + ((nuint)i * Page)) = holding.MarkOf(i);
        }
    }

    /// <summary>One more mapping: a usual one, or a short-lived one.</summary>
    private void Show(Holding holding)
    {
        bool isShort = _random.Next(2) == 0;
        nuint address = isShort ? (nuint)vmap.MapRam(holding.Frames) : (nuint)vmap.Map(holding.Frames);
        holding.Maps.Add((address, isShort));
    }

    /// <summary>The frames are given up while they are mapped, or one of several mappings goes.</summary>
    private void Change(Holding holding)
    {
        Check(holding);
        if (holding.IsHeld && _random.Next(2) == 0)
        {
            vmap.FreeFrames(holding.Frames);
            holding.IsHeld = false;
        }
        else if (holding.Maps.Count > 1)
        {
            Unmap(holding, _random.Next(holding.Maps.Count));
        }
    }

    private void GiveUp(Holding holding)
    {
        Check(holding);
        while (holding.Maps.Count > 0)
        {
            Unmap(holding, 0);
        }

        if (holding.IsHeld)
        {
            vmap.FreeFrames(holding.Frames);
        }

        _holdings.Remove(holding);
    }

    private void Unmap(Holding holding, int which)
    {
        (nuint address, bool isShort) = holding.Maps[which];
        holding.Maps.RemoveAt(which);
        if (isShort)
        {
            vmap.UnmapRam((void*)address, holding.Frames.Length);
        }
        else
        {
            vmap.Unmap((void*)address);
        }
    }

    private static void Check(Holding holding)
    {
        foreach ((nuint address, _) in holding.Maps)
        {
            for (int i = 0; i < holding.Frames.Length; i++)
            {
                Assert.Equal(holding.MarkOf(i), *(ulong*)(address + ((nuint)i * Page)));
            }
        }
    }

    private void Alloc()
    {
        uint pages = (uint)_random.Next(1, 12);
        if (!vmap.TryAlloc(pages * Page, VmapFlags.None, 0, out void* range))
        {
            return;
        }

        _mark++;
        for (uint page = 0; page < pages; page++)
        {
            ((ulong*)((byte*)range + (page * Page)))[1] = _mark;
        }

        if (_random.Next(3) == 0)
        {
            Pfn frame = vmap.FrameOf(range);
            Assert.True(platform.PagesOf(frame) == 1, $"Frame {frame} is behind a new range, and {platform.PagesOf(frame)} pages map it.");
        }

        _ranges.Add(((nuint)range, pages, _mark));
    }

    private void Free((nuint Address, uint Pages, ulong Mark) range)
    {
        for (nuint page = 0; page < range.Pages; page++)
        {
            Assert.Equal(range.Mark, ((ulong*)(range.Address + (page * Page)))[1]);
        }

        vmap.Free((void*)range.Address);
    }

    private sealed class Holding(Pfn[] frames, ulong mark)
    {
        public Pfn[] Frames => frames;

        public List<(nuint Address, bool IsShort)> Maps { get; } = [];

        public bool IsHeld { get; set; } = true;

        public ulong MarkOf(int frame) => (mark << 4) + (ulong)frame;
    }
}
