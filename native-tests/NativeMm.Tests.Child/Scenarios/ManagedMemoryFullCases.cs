using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>One of everything that the library gives out, and the verbs that take it back.</summary>
[SuppressMessage("Design", "CA1001", Justification = "What it owns is disposed by what it tests, and the process ends with it.")]
internal sealed unsafe class ManagedMemoryFullCases
{
    private const int Sizes = 40;
    private const int BlocksEach = 150;
    private const int Many = 600;
    private const int LargeBytes = 3 << 20;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20, BackgroundTrim = false });
    private readonly (string Verb, Action Act)[] _verbs;
    private readonly (string Verb, Action Act)[] _allocations;
    private readonly Exception?[] _failures;
    private readonly Exception?[] _allocationFailures;
    private readonly nint[] _blocks = new nint[Sizes * BlocksEach];
    private readonly nint[] _large = new nint[60];
    private readonly nint[] _ranges = new nint[Many];
    private readonly ZsHandle[] _objects = new ZsHandle[Many];
    private readonly Pfn[] _frames = new Pfn[4];
    private readonly byte[] _page = new byte[4096];
    private NativeHeap? _heap;
    private MemoryRuntime? _otherRuntime;
    private VmapAllocator? _vmap;
    private ZsPool? _pool;
    private CompressedPageStore? _store;
    private CompressedPageStore? _otherStore;
    private Arena? _arena;
    private ArenaMark _mark;
    private IMemoryOwner<byte>[] _owners = [];
    private NativeBufferWriter<byte>? _writer;
    private NativeMemoryPool? _memoryPool;
    private nint _map;
    private nint _ram;
    private Thread? _newcomer;
    private ManualResetEvent? _newcomerMayFree;
    private Exception? _newcomerFailure;
    private bool _newcomerIsUp;
    private nint _newcomerBlock;

    public ManagedMemoryFullCases()
    {
        _verbs =
        [
            ("NativeHeap.Free on a thread without a cache", FreeAsNewcomer),
            ("NativeHeap.Free", () => FreeEach(_runtime.Heap, _blocks)),
            ("NativeHeap.Free of large blocks", () => FreeEach(_runtime.Heap, _large)),
            ("NativeHeap.Dispose", () => _heap!.Dispose()),
            ("IMemoryOwner.Dispose", DisposeOwners),
            ("NativeBufferWriter.Dispose", () => _writer!.Dispose()),
            ("NativeMemoryPool.Dispose", () => _memoryPool!.Dispose()),
            ("Arena.Rewind", () => _arena!.Rewind(_mark)),
            ("Arena.Dispose", () => _arena!.Dispose()),
            ("ZsPool.Free", FreeObjects),
            ("ZsPool.Dispose", () => _pool!.Dispose()),
            ("CompressedPageStore.Remove", RemovePages),
            ("CompressedPageStore.Clear", () => _store!.Clear()),
            ("CompressedPageStore.Dispose", () => _store!.Dispose()),
            ("CompressedPageStore.Dispose of a full one", () => _otherStore!.Dispose()),
            ("VmapAllocator.Free", FreeRanges),
            ("VmapAllocator.Unmap", () => _vmap!.Unmap((void*)_map)),
            ("VmapAllocator.UnmapRam", () => _vmap!.UnmapRam((void*)_ram, _frames.Length)),
            ("VmapAllocator.FreeFrames", () => _vmap!.FreeFrames(_frames)),
            ("VmapAllocator.Purge", () => _vmap!.Purge(pools: true)),
            ("VmapAllocator.Dispose", () => _vmap!.Dispose()),
            ("MemoryRuntime.Dispose", () => _otherRuntime!.Dispose()),
        ];
        _allocations =
        [
            ("NativeHeap.Alloc", () => _runtime.Heap.Free(_runtime.Heap.Alloc(5000))),
            ("NativeHeap.Alloc of a large block", () => _runtime.Heap.Free(_runtime.Heap.Alloc(LargeBytes))),
            ("NativeHeap.Realloc", () => _runtime.Heap.Free(_runtime.Heap.Realloc(_runtime.Heap.Alloc(100), 9000))),
            ("NativeHeap.Trim", () => _runtime.Heap.Trim()),
            ("MemoryRuntime.Trim", () => _runtime.Trim()),
            ("MemoryRuntime.GetStatistics", () => _runtime.GetStatistics()),
            ("MemoryRuntime.CreateHeap", () => _runtime.CreateHeap().Dispose()),
            ("MemoryRuntime.CreateZsPool", () => _runtime.CreateZsPool().Dispose()),
            ("NativeBuffer", () => new NativeBuffer<byte>(100, heap: _runtime.Heap).Dispose()),
            ("new Arena", () => new Arena(_runtime.Heap).Dispose()),
            ("PageReporter.ReportNow", () => _runtime.Reporter.ReportNow()),
        ];
        _failures = new Exception?[_verbs.Length];
        _allocationFailures = new Exception?[_allocations.Length];
    }

    /// <summary>Allocates everything.</summary>
    public void Prepare()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)_runtime.Heap.Alloc((nuint)(32 + (i / BlocksEach * 64)));
        }

        Fill(_large, LargeBytes);
        _heap = _runtime.CreateHeap();
        _heap.Alloc(100);
        _heap.Alloc(LargeBytes);
        _memoryPool = new NativeMemoryPool(_runtime.Heap);
        _owners = [new NativeBuffer<byte>(100, heap: _runtime.Heap), .. Enumerable.Range(0, 50).Select(_ => _memoryPool.Rent(500))];
        _writer = new NativeBufferWriter<byte>(heap: _runtime.Heap);
        _writer.GetSpan(10_000);
        PrepareArena();
        PreparePages();
        PrepareRanges();
        _otherRuntime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, PurgeDelay = TimeSpan.FromMilliseconds(10) });
        _otherRuntime.CreateHeap().Alloc(100);
        _otherRuntime.CreateZsPool().Alloc(100);
        PrepareNewcomer();

        // A thread that is just starting needs managed memory, or the runtime ends the process.
        Await(() => _otherRuntime.GetStatistics().TrimPasses != 0 && Volatile.Read(ref _newcomerIsUp));
    }

    /// <summary>Calls every verb that takes something back.</summary>
    public void GiveBackAll() => Act(_verbs, _failures);

    /// <summary>Calls verbs that may fail.</summary>
    public void AllocateAll() => Act(_allocations, _allocationFailures);

    /// <summary>Lets the objects go.</summary>
    public void Forget()
    {
        _newcomer?.Join();
        _newcomerMayFree?.Dispose();
        (_heap, _otherRuntime, _vmap, _pool, _store, _otherStore, _arena, _owners, _writer, _memoryPool) =
            (null, null, null, null, null, null, null, [], null, null);
    }

    /// <summary>Prints what threw.</summary>
    /// <returns>An exit code.</returns>
    public int TellFailures()
    {
        int code = _newcomerFailure is null ? 0 : 3;
        Console.WriteLine(_newcomerFailure);
        for (int i = 0; i < _failures.Length; i++)
        {
            if (_failures[i] is { } failure)
            {
                Console.WriteLine($"{_verbs[i].Verb}: {failure}");
                code = 3;
            }
        }

        for (int i = 0; i < _allocationFailures.Length; i++)
        {
            if (_allocationFailures[i] is { } failure and not OutOfMemoryException)
            {
                Console.WriteLine($"{_allocations[i].Verb}: {failure}");
                code = 4;
            }
        }

        Array.Clear(_failures);
        Array.Clear(_allocationFailures);
        return code;
    }

    /// <summary>Whether nothing of the runtime is in use any more, and everything adds up.</summary>
    public bool IsEverythingBack()
    {
        _runtime.Validate();
        _runtime.Trim();
        RuntimeStatistics statistics = _runtime.GetStatistics();
        Console.WriteLine($"{statistics.InUseBytes} bytes in use, {statistics.Heaps.Count} heaps, {statistics.Zone.AllocatedFrames} frames");
        return statistics.InUseBytes == 0 && statistics.Heaps.Count == 1 && statistics.Zone.AllocatedFrames == 0;
    }

    private static void Act((string Verb, Action Act)[] acts, Exception?[] failures)
    {
        for (int i = 0; i < acts.Length; i++)
        {
            try
            {
                acts[i].Act();
            }
            catch (Exception failure)
            {
                failures[i] = failure;
            }
        }
    }

    private static void Await(Func<bool> condition)
    {
        if (!SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)))
        {
            throw new TimeoutException("A thread did not come up.");
        }
    }

    private static void FreeEach(NativeHeap heap, nint[] blocks)
    {
        foreach (nint block in blocks)
        {
            heap.Free((void*)block);
        }
    }

    private void Fill(nint[] blocks, nuint bytes)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)_runtime.Heap.Alloc(bytes);
        }
    }

    private void PrepareArena()
    {
        _arena = new Arena(_runtime.Heap);
        _arena.Alloc(100);
        _mark = _arena.Mark();
        for (int i = 0; i < 20; i++)
        {
            _arena.Alloc(100_000);
        }
    }

    private void PreparePages()
    {
        _pool = _runtime.CreateZsPool();
        _store = new CompressedPageStore(runtime: _runtime);
        _otherStore = new CompressedPageStore(runtime: _runtime);
        for (int i = 0; i < Many; i++)
        {
            _objects[i] = _pool.Alloc(100 + (i * 3));
            new Random(i).NextBytes(_page.AsSpan(0, 64 + (2 * i)));
            _store.Store((ulong)i, _page);
            _otherStore.Store((ulong)i, _page);
        }
    }

    private void PrepareRanges()
    {
        _vmap = new VmapAllocator(new VmapOptions
        {
            CapacityBytes = 64 << 20,
            LazyBytesMax = 1 << 20,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        });
        for (int i = 0; i < Many; i++)
        {
            _ranges[i] = (nint)_vmap.Alloc((nuint)(1 + (i % 5)) << 12);
        }

        _vmap.AllocateFrames(_frames);
        _map = (nint)_vmap.Map(_frames);
        _ram = (nint)_vmap.MapRam(_frames);
    }

    private void PrepareNewcomer()
    {
        _newcomerBlock = (nint)NativeHeap.Shared.Alloc(777);
        _newcomerFailure = null;
        _newcomerMayFree = new ManualResetEvent(initialState: false);
        _newcomerIsUp = false;
        _newcomer = new Thread(() =>
        {
            Volatile.Write(ref _newcomerIsUp, true);
            _newcomerMayFree.WaitOne();
            try
            {
                NativeHeap.Shared.Free((void*)_newcomerBlock);
            }
            catch (Exception failure)
            {
                _newcomerFailure = failure;
            }
        });
        _newcomer.Start();
    }

    private void FreeAsNewcomer()
    {
        _newcomerMayFree!.Set();
        _newcomer!.Join();
    }

    private void DisposeOwners()
    {
        foreach (IMemoryOwner<byte> owner in _owners)
        {
            owner.Dispose();
        }
    }

    private void FreeObjects()
    {
        foreach (ZsHandle handle in _objects)
        {
            _pool!.Free(handle);
        }
    }

    private void RemovePages()
    {
        for (ulong key = 0; key < Many / 2; key++)
        {
            _store!.Remove(key);
        }
    }

    private void FreeRanges()
    {
        foreach (nint range in _ranges)
        {
            _vmap!.Free((void*)range);
        }
    }
}
