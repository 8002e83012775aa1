using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Explorer.Cases;

/// <summary>The fast paths whose writes to shared lines are counted.</summary>
internal static unsafe class FastPathList
{
    private const nuint HeapBytes = 64;
    private const nuint RangeBytes = 4096;

    /// <summary>The paths.</summary>
    public static IReadOnlyList<FastPath> All { get; } =
    [
        new("heap: Alloc and Free of 64 bytes, both hits", 0, Heap),
        new("frames: allocate and free a frame in the core's own tree", 0, LockFreeFrames),
        new("frames through a thread's stack: allocate and free", 0, CachedFrames),
        new("zspool: read an object of one's own", 0, ZsRead),
        new("space: a read and a write of one page that hit", 0, SpaceAccess),
        new("cache: a lookup that hits, with a lease and its end", 0, CacheLease),
        new("cache: the way in and out of what changes it", 0, Gate),
        new("vmap: Alloc and Free of a page, both from the core's pool", 0, VmapPool),
    ];

    private static Func<int, Action> Heap()
    {
        NativeHeap heap = NativeHeap.Shared;
        return _ => () => heap.Free(heap.Alloc(HeapBytes));
    }

    private static Func<int, Action> LockFreeFrames()
    {
        // 32 MiB: a tree of 16 MiB for each of two cores.
        var zone = new FrameFixture(children: 16, isTouched: false);
        return _ => () => AllocateAndFree(zone.Frames);
    }

    private static Func<int, Action> CachedFrames()
    {
        var cached = new CachedFrameAllocator(new FrameFixture(children: 16, isTouched: false).Frames);
        return _ => () => AllocateAndFree(cached);
    }

    private static Func<int, Action> ZsRead()
    {
        var pool = new ZsPool(new FrameFixture(children: 16).Frames, new ZsPoolOptions { Stripes = 2, AutoCompact = false });
        return _ =>
        {
            ZsHandle handle = default;
            return () =>
            {
                handle = handle == default ? pool.Alloc(1000) : handle;
                byte* scratch = stackalloc byte[1000];
                pool.OpenRead(handle, new Span<byte>(scratch, 1000)).Dispose();
            };
        };
    }

    private static Func<int, Action> SpaceAccess()
    {
        var space = new SpaceModel(threads: 2);
        nuint leaves = space.BeginLeaves();
        space.Install(1000);
        return thread => () =>
        {
            AccessSlots.Bind(thread);
            AccessSlot* slot = AccessSlotThread.t_slot;
            foreach (ulong mask in (ReadOnlySpan<ulong>)[LeafEntry.ReadMiss, LeafEntry.WriteMiss])
            {
                ulong* leaf = HazardAccess.BeginByMap(ref slot->Access, space.Tables.Key | 1000, ref leaves, 1000 / SharedTables.Entries);
                Plan.Check(leaf != null && (Atomic.LoadRelaxed(in leaf[1000 % SharedTables.Entries]) & mask) == 0, "an access does not hit");
                HazardAccess.End(ref slot->Access);
            }
        };
    }

    private static Func<int, Action> CacheLease()
    {
        var cache = new CacheModel(threads: 2);
        cache.Write(0);
        cache.Publish(0);
        return thread => () =>
        {
            AccessSlots.Bind(thread);
            AccessSlot* own = AccessSlotThread.t_slot;
            byte* record = cache.Find(own, out _, out _);
            Plan.Check(record != null, "a lookup does not hit");
            CacheReaders.ExitLeased(own, &own->Lease0, cache.Readers.LeaseOf(record));
            HazardAccess.End(ref own->Lease0);
        };
    }

    private static Func<int, Action> Gate()
    {
        var gate = new StripedEndGate(stripes: 2);
        return _ => () =>
        {
            Plan.Check(gate.TryEnter(), "an open gate lets nobody in");
            gate.Exit();
        };
    }

    private static Func<int, Action> VmapPool()
    {
        var options = new VmapOptions { CapacityBytes = 32 << 20, WindowBytes = 32 << 20, Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller } };
        var vmap = new VmapAllocator(options, new ArenaPlatform(canMap: true));
        GC.SuppressFinalize(vmap);
        return _ =>
        {
            // Both hold a range first, so that each finds one of its own core afterwards and takes none from the other's pool.
            void* held = null;
            int calls = 0;
            return () =>
            {
                if (calls++ == 0)
                {
                    held = vmap.Alloc(RangeBytes);
                    return;
                }

                vmap.Free(calls == 2 ? held : vmap.Alloc(RangeBytes));
            };
        };
    }

    private static void AllocateAndFree(IFrameAllocator frames)
    {
        if (frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            frames.Free(frame, Order.Zero);
        }
    }

    /// <summary>The shared heap without a thread of its own, which would run beside the model.</summary>
    public static void ConfigureSharedHeap() => MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { BackgroundTrim = false, CapacityBytes = 64 << 20 });
}
