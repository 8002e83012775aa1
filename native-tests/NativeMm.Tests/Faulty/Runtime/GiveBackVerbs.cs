using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;

namespace NativeMm.Tests.Faulty.Runtime;

/// <summary>Every public verb that gives something back, by name: takes what is to be given back, and says how it is given.</summary>
[SuppressMessage("Reliability", "CA2000", Justification = "What is made is disposed by the verb, or goes with its runtime.")]
internal sealed unsafe partial class GiveBackVerbs : IDisposable
{
    private const int Many = 1000;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20, BackgroundTrim = false });
    private readonly List<IDisposable> _others = [];
    private readonly Dictionary<string, Func<Action>> _verbs;

    public GiveBackVerbs()
    {
        _verbs = new Dictionary<string, Func<Action>>
        {
            ["NativeHeap.Free"] = () => FreeBlocks(_runtime.Heap),
            ["NativeHeap.Free of large blocks"] = () => FreeLarge(_runtime.Heap),
            ["NativeHeap.AlignedFree"] = FreeAligned,
            ["NativeHeap.FreeBulk"] = FreeBulk,
            ["NativeHeap.Dispose"] = () => DisposeHeap(_runtime.CreateHeap()),
            ["NativeHeap.Free in steps"] = FreeInSteps,
            ["NativeHeap.Dispose in steps"] = () => DisposeHeap(SteppedRuntime(this).CreateHeap()),
            ["MemoryRuntime.Dispose in steps, but for the meter"] = DisposeInSteps,
            ["NativeHeap.Free, checked"] = () => FreeBlocks(CheckedRuntime().Heap),
            ["NativeHeap.Dispose, checked"] = () => DisposeCheckedHeap(CheckedRuntime().CreateHeap()),
            ["NativeBuffer.Dispose"] = () => Each(_ => new NativeBuffer<int>(100, heap: _runtime.Heap)),
            ["NativeBufferWriter.Clear"] = () => Writer().Clear,
            ["NativeBufferWriter.ResetWrittenCount"] = () => Writer().ResetWrittenCount,
            ["NativeBufferWriter.Dispose"] = () => Writer().Dispose,
            ["IMemoryOwner.Dispose"] = () => DisposeOwners(new NativeMemoryPool(_runtime.Heap)),
            ["IMemoryOwner.Dispose, recycled"] = () => DisposeOwners(new NativeMemoryPool(_runtime.Heap, recycleOwners: true)),
            ["IMemoryOwner.Dispose, its own"] = () => DisposeOwners(new NativeMemoryPool(_runtime.Heap, recycleOwners: false)),
            ["NativeMemoryPool.Dispose"] = () => new NativeMemoryPool(_runtime.Heap).Dispose,
            ["Arena.Rewind"] = RewindArena,
            ["Arena.Reset"] = () => FilledArena().Reset,
            ["Arena.Dispose"] = () => FilledArena().Dispose,
            ["ZsPool.Free"] = FreeObjects,
            ["ZsPool.Dispose"] = DisposePool,
            ["ZsReadLease.Dispose"] = EndLease,
            ["CompressedPageStore.Remove"] = RemovePages,
            ["CompressedPageStore.Clear"] = () => Store().Clear,
            ["CompressedPageStore.Dispose"] = () => Store().Dispose,
            ["IFrameAllocator.Free, lock-free"] = () => FreeFrames(_runtime.Frames),
            ["IFrameAllocator.Free, buddy"] = () => FreeFrames(Buddy()),
            ["IFrameAllocator.Free, cached"] = () => FreeFrames(Own(new CachedFrameAllocator(Buddy()))),
            ["IFrameAllocator.PutBack"] = PutBack,
            ["IFrameAllocator.Drain"] = Drain,
            ["IFrameAllocator.RemoveShrinker"] = RemoveShrinkers,
            ["IFrameAllocator.Dispose"] = () => new CachedFrameAllocator(Used(Buddy())).Dispose,
            ["FrameMigration.Remove"] = RemoveMigrators,
            ["FrameZone.Dispose"] = () => Zone().Dispose,
            ["PageReporter.Unregister"] = Unregister,
            ["PageReporter.Dispose"] = () => new PageReporter(Buddy()).Dispose,
            ["VmapAllocator.Free"] = FreeRanges,
            ["VmapAllocator.FreeFrames"] = FreeMapped,
            ["VmapAllocator.Unmap"] = Unmap,
            ["VmapAllocator.UnmapRam"] = UnmapRam,
            ["VmapAllocator.UnmapAliases"] = UnmapAliases,
            ["VmapAllocator.Purge"] = Purge,
            ["VmapAllocator.RemovePurgeNotifier"] = RemoveNotifiers,
            ["VmapAllocator.Dispose"] = () => Used(Vmap()).Dispose,
            ["MappedBuffer.Dispose"] = () => Each(_ => new MappedBuffer(10_000, runtime: _runtime)),
            ["MappedBuffer.Dispose of a view"] = DisposeView,
            ["MirroredRingBuffer.Dispose"] = () => Each(_ => new MirroredRingBuffer(1 << 16, _runtime), count: 20),
            ["MemoryRuntime.Dispose, but for the meter"] = DisposeRuntime,
            ["AddressSpace.Unmap"] = UnmapAreas,
            ["AddressSpace.Dispose"] = () => Space().Dispose,
            ["AddressSpace.Dispose of what is forked"] = DisposeForked,
            ["A pass of the background"] = PassInBackground,
        };
    }

    /// <summary>The verbs.</summary>
    public IEnumerable<string> Names => _verbs.Keys;

    /// <summary>Takes what a verb gives back.</summary>
    /// <returns>The verb.</returns>
    public Action Prepare(string verb) => _verbs[verb]();

    public void Dispose()
    {
        for (int i = _others.Count - 1; i >= 0; i--)
        {
            _others[i].Dispose();
        }

        _runtime.Dispose();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _others.Add(owned);
        return owned;
    }

    private static Action Each<T>(Func<int, T> make, int count = 200)
        where T : IDisposable
    {
        T[] made = [.. Enumerable.Range(0, count).Select(make)];
        return () =>
        {
            foreach (T one in made)
            {
                one.Dispose();
            }
        };
    }

    private static Action FreeBlocks(NativeHeap heap)
    {
        nint[] blocks = new nint[10 * Many];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.Alloc((nuint)(16 + (i % 100 * 40)));
        }

        return () =>
        {
            foreach (nint block in blocks)
            {
                heap.Free((void*)block);
            }
        };
    }

    private static Action FreeLarge(NativeHeap heap)
    {
        nint[] blocks = new nint[40];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.Alloc((3 << 20) + ((nuint)i << 16));
        }

        return () =>
        {
            foreach (nint block in blocks)
            {
                heap.Free((void*)block);
            }
        };
    }

    private Action FreeAligned()
    {
        nint[] blocks = new nint[Many];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)_runtime.Heap.AlignedAlloc((nuint)(i + 1), 256);
        }

        return () =>
        {
            foreach (nint block in blocks)
            {
                _runtime.Heap.AlignedFree((void*)block);
            }
        };
    }

    private Action FreeBulk()
    {
        nint[] blocks = new nint[10 * Many];
        _runtime.Heap.AllocBulk(200, blocks);
        return () => _runtime.Heap.FreeBulk(blocks);
    }

    private static Action DisposeHeap(NativeHeap heap)
    {
        FreeBlocks(heap)();
        heap.Alloc(3 << 20);
        heap.Alloc(100);
        return heap.Dispose;
    }

    private static Action DisposeCheckedHeap(NativeHeap heap)
    {
        FreeBlocks(heap)();
        return heap.Dispose;
    }

    /// <summary>Call stacks of frees are records of the checked mode, in managed memory; without them it needs none.</summary>
    private MemoryRuntime CheckedRuntime() => Own(new MemoryRuntime(new MemoryRuntimeOptions
    {
        CapacityBytes = 256 << 20,
        BackgroundTrim = false,
        Checked = new CheckedOptions { Enabled = true, StackSampleInterval = 0, QuarantineBytesMax = 4 << 20 },
    }));

    private NativeBufferWriter<byte> Writer()
    {
        NativeBufferWriter<byte> writer = Own(new NativeBufferWriter<byte>(heap: _runtime.Heap));
        writer.GetSpan(100_000);
        writer.Advance(100_000);
        return writer;
    }

    private static Action DisposeOwners(NativeMemoryPool pool)
    {
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, Many).Select(i => pool.Rent(i))];
        return () =>
        {
            foreach (IMemoryOwner<byte> owner in owners)
            {
                owner.Dispose();
            }
        };
    }

    private Arena FilledArena()
    {
        Arena arena = Own(new Arena(_runtime.Heap));
        for (int i = 0; i < 50; i++)
        {
            arena.Alloc(100_000);
        }

        return arena;
    }

    private Action RewindArena()
    {
        Arena arena = Own(new Arena(_runtime.Heap));
        ArenaMark mark = arena.Mark();
        for (int i = 0; i < 50; i++)
        {
            arena.Alloc(100_000);
        }

        return () => arena.Rewind(mark);
    }

    private static ZsHandle[] Fill(ZsPool pool)
    {
        var handles = new ZsHandle[Many];
        for (int i = 0; i < handles.Length; i++)
        {
            handles[i] = pool.Alloc(1 + (i * 4 % ZsPool.ObjectBytesMax));
        }

        return handles;
    }

    private Action FreeObjects()
    {
        ZsPool pool = _runtime.CreateZsPool();
        ZsHandle[] handles = Fill(pool);
        return () =>
        {
            foreach (ZsHandle handle in handles)
            {
                pool.Free(handle);
            }
        };
    }

    private Action DisposePool()
    {
        ZsPool pool = _runtime.CreateZsPool();
        Fill(pool);
        return pool.Dispose;
    }

    private Action EndLease()
    {
        ZsPool pool = _runtime.CreateZsPool();
        ZsHandle handle = pool.Alloc(100);
        byte[] scratch = new byte[100];
        return () => pool.OpenRead(handle, scratch).Dispose();
    }

    private CompressedPageStore Store()
    {
        CompressedPageStore store = Own(new CompressedPageStore(runtime: _runtime));
        byte[] page = new byte[4096];
        for (int i = 0; i < Many; i++)
        {
            new Random(i).NextBytes(page.AsSpan(0, 2 * i));
            store.Store((ulong)i, page);
        }

        return store;
    }

    private Action RemovePages()
    {
        CompressedPageStore store = Store();
        return () =>
        {
            for (ulong key = 0; key < Many; key++)
            {
                store.Remove(key);
            }
        };
    }

    private static Action DisposeRuntime()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, PurgeDelay = TimeSpan.FromMilliseconds(50) });
        FreeBlocks(runtime.CreateHeap())();
        Fill(runtime.CreateZsPool());
        runtime.Heap.Alloc(3 << 20);
        Used(runtime.Vmap);
        return runtime.Dispose;
    }

    private Action PassInBackground()
    {
        FreeBlocks(_runtime.Heap)();
        FreeBlocks(_runtime.CreateHeap())();
        FreeObjects()();
        Used(_runtime.Vmap);
        return () => _runtime.TrimIdle();
    }

    private sealed class Nobody : IShrinker, IFrameMigrator
    {
        public ulong Shrink(ulong framesWanted) => 0;

        public bool TryMigrate(Pfn frame, Pfn target) => false;
    }
}
