using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Maps scattered frames until no mapping is left, says what the error said, and goes on. Arguments: how many mappings the limit leaves, and whose
/// limit it is: option (<see cref="VmapOptions.MappingsMax"/>) or system (all but so many of vm.max_map_count are used up first).
/// </summary>
internal static unsafe class VmapMappingsScenario
{
    private const int PagesOfMap = 16;

    private static readonly IMemoryPlatform s_platform = SystemPlatform.Current;

    public static int Run(string[] arguments)
    {
        int left = int.Parse(arguments[0], null);
        bool ofSystem = arguments[1] == "system";
        var options = new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 256 << 20, MappingsMax = ofSystem ? 0 : left };
        using var vmap = new VmapAllocator(options);
        Pfn[] frames = new Pfn[2 * PagesOfMap];
        vmap.AllocateFrames(frames);
        Pfn[] scattered = [.. frames.Where((_, i) => i % 2 == 0)];
        nint[] maps = new nint[8 * left];

        // The runtime compiles what follows now: later it may not get the mappings that it needs for that.
        Check(vmap, scattered, maps, Exhaust(vmap, scattered, maps, most: 2, out _));
        Console.Out.WriteLine(new PlatformResult(12));

        AddressRange filled = ofSystem ? Fill(left) : default;
        int made = Exhaust(vmap, scattered, maps, maps.Length, out string problem);
        int again = Check(vmap, scattered, maps, made);
        Empty(filled);
        Console.Out.WriteLine(problem);
        Console.Out.WriteLine($"made {made}, then {again}");

        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapStatistics end = vmap.GetStatistics();
        Console.Out.WriteLine($"{end.MappingsInUse} mappings and {end.Frames.AllocatedFrames} frames at the end");
        return 0;
    }

    /// <summary>Makes maps until there is an error.</summary>
    private static int Exhaust(VmapAllocator vmap, Pfn[] scattered, nint[] maps, int most, out string problem)
    {
        problem = "there was no error";
        for (int made = 0; made < most; made++)
        {
            try
            {
                maps[made] = (nint)vmap.Map(scattered);
            }
            catch (OutOfMemoryException exception)
            {
                problem = exception.Message;
                return made;
            }
        }

        return most;
    }

    /// <summary>Everything is accounted for and usable; with half of the maps there is room for one more, and all of them can be given back.</summary>
    /// <returns>How many maps fit after that.</returns>
    private static int Check(VmapAllocator vmap, Pfn[] scattered, nint[] maps, int made)
    {
        vmap.Validate();
        for (int map = 0; map < made; map++)
        {
            ((byte*)maps[map])[Pfn.FrameBytes] = (byte)map;
            Require(*(byte*)(maps[0] + Pfn.FrameBytes) == (byte)map, "A map lost its frames.");
        }

        UnmapAll(vmap, maps.AsSpan((made / 2)..made));
        maps[made / 2] = (nint)vmap.Map(scattered);
        vmap.Validate();
        UnmapAll(vmap, maps.AsSpan(0, (made / 2) + 1));
        int again = Exhaust(vmap, scattered, maps, made, out _);
        UnmapAll(vmap, maps.AsSpan(0, again));
        return again;
    }

    private static void UnmapAll(VmapAllocator vmap, ReadOnlySpan<nint> maps)
    {
        foreach (nint map in maps)
        {
            vmap.Unmap((void*)map);
        }

        vmap.Purge(pools: true);
        vmap.Validate();
    }

    /// <summary>Uses up the mappings of this process but a few: every other page of a range is forbidden, and each page is a mapping.</summary>
    private static AddressRange Fill(int left)
    {
        int pieces = s_platform.MappingsMax - left - File.ReadLines("/proc/self/maps").Count();
        nuint page = s_platform.PageBytes;
        Require(s_platform.Reserve((nuint)pieces * page, page, out nuint address).Succeeded, "There is no room to fill.");
        for (int piece = 1; piece < pieces; piece += 2)
        {
            Require(s_platform.Protect(address + ((nuint)piece * page), page, accessible: false).Succeeded, "The limit came too soon.");
        }

        return new AddressRange(address, (nuint)pieces * page);
    }

    private static void Empty(AddressRange filled)
    {
        if (filled.Bytes != 0)
        {
            Require(s_platform.Release(filled.Address, filled.Bytes).Succeeded, "The filled range stays.");
        }
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidOperationException(problem);
        }
    }
}
