using NativeMm.Buffers;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Tests.Faulty.Runtime;

/// <content>Ranges and maps.</content>
internal sealed unsafe partial class GiveBackVerbs
{
    private VmapAllocator Vmap() => Own(new VmapAllocator(new VmapOptions
    {
        CapacityBytes = 64 << 20,
        LazyBytesMax = 1 << 20,
        Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
    }));

    private static VmapAllocator Used(VmapAllocator vmap)
    {
        for (int i = 0; i < Many; i++)
        {
            void* range = vmap.Alloc((nuint)(1 + (i % 5)) << 12);
            if (i % 3 != 0)
            {
                vmap.Free(range);
            }
        }

        return vmap;
    }

    private Action FreeRanges()
    {
        VmapAllocator vmap = Vmap();
        nint[] ranges = new nint[Many];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = (nint)vmap.Alloc((nuint)(1 + (i % 5)) << 12);
        }

        return () =>
        {
            foreach (nint range in ranges)
            {
                vmap.Free((void*)range);
            }
        };
    }

    private static Pfn[] Frames(VmapAllocator vmap)
    {
        var frames = new Pfn[32];
        vmap.AllocateFrames(frames);
        return frames;
    }

    private Action FreeMapped()
    {
        VmapAllocator vmap = Vmap();
        Pfn[] frames = Frames(vmap);
        return () => vmap.FreeFrames(frames);
    }

    private Action Unmap()
    {
        VmapAllocator vmap = Vmap();
        nint map = (nint)vmap.Map(Frames(vmap));
        return () => vmap.Unmap((void*)map);
    }

    /// <summary>Maps of several blocks, so that blocks go, and lie in their queue behind others.</summary>
    private static nint[] RamMaps(VmapAllocator vmap, Pfn[] frames)
    {
        nint[] maps = new nint[4 * VmapBlock.Pages / frames.Length];
        for (int i = 0; i < maps.Length; i++)
        {
            maps[i] = (nint)vmap.MapRam(frames);
        }

        return maps;
    }

    private Action UnmapRam()
    {
        VmapAllocator vmap = Vmap();
        Pfn[] frames = Frames(vmap);
        nint[] maps = RamMaps(vmap, frames);
        return () =>
        {
            foreach (nint map in maps)
            {
                vmap.UnmapRam((void*)map, frames.Length);
            }
        };
    }

    private Action UnmapAliases()
    {
        VmapAllocator vmap = Vmap();
        Pfn[] frames = Frames(vmap);
        nint[] maps = RamMaps(vmap, frames);
        for (int i = 0; i < maps.Length; i += 2)
        {
            vmap.UnmapRam((void*)maps[i], frames.Length);
        }

        return vmap.UnmapAliases;
    }

    private Action Purge()
    {
        VmapAllocator vmap = Used(Vmap());
        return () => vmap.Purge(pools: true);
    }

    private Action RemoveNotifiers()
    {
        VmapAllocator vmap = Vmap();
        int told = 0;
        Action<nuint>[] notifiers = [.. Enumerable.Range(0, 20).Select(i => new Action<nuint>(_ => told += i))];
        Array.ForEach(notifiers, vmap.AddPurgeNotifier);
        return () =>
        {
            foreach (Action<nuint> notifier in notifiers)
            {
                vmap.RemovePurgeNotifier(notifier);
            }
        };
    }

    private Action DisposeView()
    {
        MappedBuffer[] parts = [Own(new MappedBuffer(12_288, runtime: _runtime)), Own(new MappedBuffer(20_480, runtime: _runtime))];
        return Each(_ => MappedBuffer.Concat(parts), count: 20);
    }
}
