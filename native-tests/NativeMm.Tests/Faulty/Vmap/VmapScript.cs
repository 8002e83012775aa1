using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Faulty.Vmap;

/// <summary>
/// A workload that makes every kind of platform call that an allocator of ranges makes once it stands. Each step either works or is out of memory.
/// Every page that is held is stamped, and its stamp is there when it is given back.
/// </summary>
internal sealed unsafe class VmapScript(VmapAllocator vmap)
{
    private const int Rounds = 3;
    private const nuint Page = Pfn.FrameBytes;

    private readonly Dictionary<nuint, uint> _live = [];
    private readonly Pfn[] _frames = new Pfn[70];

    /// <summary>The kinds of calls that the script makes again and again on a system with guards.</summary>
    public static PlatformCall[] Kinds { get; } = [PlatformCall.MapFile, PlatformCall.Revoke, PlatformCall.InstallGuard, PlatformCall.PunchHole];

    /// <summary>Runs all steps and gives everything back that was got.</summary>
    public void Run()
    {
        try
        {
            vmap.AllocateFrames(_frames, FrameFlags.NoReclaim);
        }
        catch (OutOfMemoryException)
        {
            // The zone could not be opened.
            return;
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (uint pages = 1; pages < 9; pages++)
            {
                Alloc(pages, pages % 2 == 0 ? VmapFlags.Guarded : VmapFlags.Zeroed);
            }

            Alloc(600, VmapFlags.Huge | VmapFlags.Zeroed);
            Attempt(PerCore);
            Attempt(() => vmap.Unmap(vmap.Map([_frames[0], _frames[30], _frames[0]], VmapFlags.Guarded)));
            Attempt(LongShortMap);
            ShortMaps();
            Resize();
            FreeHalf();
            vmap.Purge();
            _ = vmap.Trim();
            Alloc(40, VmapFlags.Zeroed);
            FreeHalf();
        }

        while (_live.Count > 0)
        {
            FreeHalf();
        }

        vmap.UnmapAliases();
        vmap.FreeFrames(_frames);
        _ = vmap.Trim();
    }

    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private static void Stamp(nuint range, uint from, uint to)
    {
        for (nuint page = from; page < to; page++)
        {
            *(nuint*)(range + (page * Page)) = ~(range + page);
        }
    }

    private void Alloc(uint pages, VmapFlags flags)
    {
        if (!vmap.TryAlloc(pages * Page, flags, 0, out void* range))
        {
            return;
        }

        var bytes = new Span<byte>(range, (int)(pages * Page));
        Assert.False((flags & VmapFlags.Zeroed) != 0 && bytes.ContainsAnyExcept((byte)0), "A zeroed range has bytes of somebody else.");
        bytes.Fill(0xEE);
        Stamp((nuint)range, 0, pages);
        _live.Add((nuint)range, pages);
    }

    private void PerCore()
    {
        VmapPerCoreArea units = vmap.AllocPerCore(3 * Page, VmapFlags.Guarded);
        for (int core = 0; core < units.CoreCount; core++)
        {
            *(byte*)units.AddressOf(new CoreId(core)) = (byte)core;
        }

        vmap.Free(units.Address);
    }

    /// <summary>More frames than a block cuts: a range of its own.</summary>
    private void LongShortMap() => vmap.UnmapRam(vmap.MapRam(_frames), _frames.Length);

    /// <summary>Short maps of one block, some of them stale when the aliases are unmapped; the others stay whole.</summary>
    private void ShortMaps()
    {
        var maps = new List<nuint>();
        for (int i = 0; i < 6; i++)
        {
            Attempt(() => maps.Add((nuint)vmap.MapRam(_frames.AsSpan(0, 5))));
        }

        for (int i = 0; i < maps.Count; i += 2)
        {
            vmap.UnmapRam((void*)maps[i], 5);
        }

        vmap.UnmapAliases();
        for (int i = 1; i < maps.Count; i += 2)
        {
            *(byte*)(maps[i] + (4 * Page)) = (byte)i;
            Assert.Equal(i, *(byte*)(maps[1] + (4 * Page)));
            vmap.UnmapRam((void*)maps[i], 5);
        }
    }

    /// <summary>Each third range becomes larger, where it is or elsewhere, or stays as it was.</summary>
    private void Resize()
    {
        foreach (nuint range in _live.Keys.Where((_, i) => i % 3 == 0).ToArray())
        {
            uint pages = _live[range];
            Check(range, pages);
            Attempt(() =>
            {
                nuint moved = (nuint)vmap.Realloc((void*)range, (pages + 5) * Page, VmapFlags.Zeroed);
                _live.Remove(range);
                for (nuint page = 0; page < pages; page++)
                {
                    Assert.Equal(~(range + page), *(nuint*)(moved + (page * Page)));
                }

                var added = new Span<byte>((void*)(moved + (pages * Page)), (int)(5 * Page));
                Assert.False(added.ContainsAnyExcept((byte)0), "A zeroed page has bytes of somebody else.");
                Stamp(moved, 0, pages + 5);
                _live.Add(moved, pages + 5);
            });
        }
    }

    private void FreeHalf()
    {
        foreach (nuint range in _live.Keys.Order().Where((_, i) => i % 2 == 0).ToArray())
        {
            Check(range, _live[range]);
            _live.Remove(range);
            vmap.Free((void*)range);
        }
    }

    private static void Check(nuint range, uint pages)
    {
        for (nuint page = 0; page < pages; page++)
        {
            Assert.Equal(~(range + page), *(nuint*)(range + (page * Page)));
        }
    }
}
