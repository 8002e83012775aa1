using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Soak.Holdings;
using NativeMm.Soak.Shadow;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Soak.Running;

/// <summary>One runtime with everything that stands on it, and slots for what is taken from it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "End is its Dispose, and may find something.")]
internal sealed class World
{
    private const int ImagesMax = 2;
    private const int TrimRounds = 3;
    private const int CacheBytesPerSlot = 8 << 10;
    private readonly ConcurrentDictionary<string, (long Count, string Last)> _refusals = new();
    private readonly int _firstOwner;
    private readonly Slot[] _slots;
    private readonly NativeHeap[] _heaps;
    private readonly NativeMemoryPool _rents;
    private readonly ZsPool _objects;
    private readonly CompressedPageStore _pages;
    private readonly SpacePages[] _spaces;
    private readonly WatchedCache _cache;
    private readonly MemoryPages _memory;

    /// <summary>Builds on a runtime, which is the world's from then on.</summary>
    /// <exception cref="OutOfMemoryException">The platform refused something; nothing is left.</exception>
    public World(string name, MemoryRuntime runtime, UnreliablePlatform? platform, ShadowMap shadow, int firstOwner, int slots)
    {
        (Name, Runtime, Platform, Shadow) = (name, runtime, platform, shadow);
        try
        {
            _heaps = [runtime.Heap, runtime.CreateHeap($"second of {name}")];
            _rents = new NativeMemoryPool(runtime.Heap);
            _objects = runtime.CreateZsPool(new ZsPoolOptions { Name = $"objects of {name}", AutoCompact = true });
            _pages = new CompressedPageStore(new CompressedPageStoreOptions(), runtime);
            _cache = new WatchedCache(runtime, name, (long)slots * CacheBytesPerSlot);
            _ = runtime.Vmap;
            _spaces =
            [
                .. Enum.GetValues<FaultMode>().Select(
                    mode => new SpacePages(runtime.CreateAddressSpace(new AddressSpaceOptions { Name = $"{mode} of {name}", FaultMode = mode }), new ImageCount(ImagesMax))),
            ];

            // The last: its file does not go with the runtime.
            _memory = MakeMemory(name, runtime, platform, slots);
        }
        catch (OutOfMemoryException)
        {
            runtime.Dispose();
            throw;
        }

        _firstOwner = firstOwner;
        _slots = [.. Enumerable.Range(firstOwner, slots).Select(number => new Slot(new Owner(shadow, name, number)))];
    }

    /// <summary>What it is called in messages.</summary>
    public string Name { get; }

    /// <summary>The runtime.</summary>
    public MemoryRuntime Runtime { get; }

    /// <summary>Who refuses calls; null on the system's own platform.</summary>
    public UnreliablePlatform? Platform { get; }

    /// <summary>Who owns what.</summary>
    private ShadowMap Shadow { get; }

    /// <summary>Read by all who work here; written by whoever wants it at rest.</summary>
    public ReaderWriterLockSlim Gate { get; } = new();

    /// <summary>Whether it has ended.</summary>
    public bool IsGone { get; private set; }

    /// <summary>One step: makes, looks at or ends what is in a slot. Inside the gate.</summary>
    /// <returns>Whether there was memory.</returns>
    public bool Step(Chance chance)
    {
        Slot slot = _slots[chance.Below(_slots.Length)];
        if (!slot.Lock.TryEnter())
        {
            return true;
        }

        try
        {
            if (slot.Holding is not { } holding)
            {
                slot.Holding = Make(slot.Owner, chance);
            }
            else if (chance.OneIn(3))
            {
                holding.Check(slot.Owner, whole: chance.OneIn(4), chance);
            }
            else
            {
                slot.Holding = null;
                holding.End(slot.Owner, chance);
            }

            return true;
        }
        catch (Exception refusal) when (IsRefusal(refusal))
        {
            _refusals.AddOrUpdate(slot.Owner.Kind, (1, refusal.Message), (_, last) => (last.Count + 1, refusal.Message));
            return false;
        }
        finally
        {
            slot.Lock.Exit();
        }
    }

    /// <summary>Looks at all bytes of one slot, unless somebody else is at it. Inside the gate.</summary>
    public void Scan(int place, Chance chance)
    {
        Slot slot = _slots[place % _slots.Length];
        if (slot.Lock.TryEnter())
        {
            try
            {
                slot.Holding?.Check(slot.Owner, whole: true, chance);
            }
            catch (Exception refusal) when (IsRefusal(refusal))
            {
                // A look may resize, map a second time, or bring pages back.
            }
            finally
            {
                slot.Lock.Exit();
            }
        }
    }

    /// <summary>One of the things that give memory back or count it. Inside the gate.</summary>
    public void Trim(Chance chance)
    {
        switch (chance.Below(10))
        {
            case 0:
                Runtime.Trim();
                break;
            case 1:
                _heaps[chance.Below(_heaps.Length)].Trim();
                break;
            case 2:
                _objects.Compact();
                break;
            case 3:
                _pages.Compact();
                break;
            case 4:
                Runtime.Vmap.Purge(pools: chance.OneIn(2));
                break;
            case 5:
                Runtime.Reporter.ReportNow();
                break;
            case 6:
                Runtime.Frames.Drain();
                break;
            case 7:
                Runtime.Vmap.UnmapAliases();
                break;
            case 8:
                _cache.Trim(chance);
                break;
            default:
                _ = Runtime.GetStatistics();
                break;
        }
    }

    /// <summary>Does something to one heap block that must be found.</summary>
    /// <returns>Whether there was a block.</returns>
    public bool Damage(string canary)
    {
        foreach (Slot slot in _slots)
        {
            using (slot.Lock.EnterScope())
            {
                if (slot.Holding is HeapBlockHolding block)
                {
                    if (canary == "overwrite")
                    {
                        block.Overwrite();
                    }
                    else
                    {
                        block.Lose(slot.Owner);
                        slot.Holding = null;
                    }

                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>For what there was no memory most often, how often, and what was said last; null for nothing.</summary>
    public (string Kind, long Count, string Last)? MostRefused() => _refusals.IsEmpty
        ? null
        : _refusals.Select(pair => (pair.Key, pair.Value.Count, pair.Value.Last)).MaxBy(row => row.Count);

    /// <summary>Looks at everything. Nobody else is in the gate.</summary>
    /// <exception cref="FindingException">A byte is another, or something does not add up.</exception>
    public RuntimeStatistics Validate(Chance chance)
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            Scan(i, chance);
        }

        Runtime.Validate();
        if (!IsGone)
        {
            _memory.Validate();
            _cache.Validate();
        }

        RuntimeStatistics statistics = Runtime.GetStatistics();
        FrameStatistics zone = statistics.Zone;
        Require(
            zone.ManagedFrames == zone.FreeFrames + zone.PerCoreFrames + zone.AllocatedFrames + zone.IsolatedFrames,
            "managed = free + per core + allocated + isolated",
            zone.ToString());
        return statistics;
    }

    /// <summary>Ends all that is in use; the world goes on. Nobody else is in the gate.</summary>
    /// <param name="chance">For the order in which it ends.</param>
    public void Clear(Chance chance)
    {
        EndHoldings(chance);
        _cache.Cache.Clear();
        Shadow.Forget(Runtime.Frames.Zone.BaseAddress, Runtime.Frames.Zone.Bytes);
    }

    /// <summary>Gives back all that can be given back. Nobody else is in the gate.</summary>
    /// <returns>Committed bytes afterwards.</returns>
    public ulong TrimAll()
    {
        // More than once: the platform refuses some of it.
        for (int round = 0; round < TrimRounds; round++)
        {
            _objects.Compact();
            _pages.Compact();
            _cache.Cache.Trim();
            Runtime.Vmap.Purge(pools: true);
            Runtime.Trim();
            Runtime.Reporter.ReportNow();
        }

        return Runtime.GetStatistics().CommittedBytes;
    }

    /// <summary>Ends everything and looks whether nothing is left. Nobody else is in the gate, and nobody comes again.</summary>
    /// <param name="chance">For the order in which it ends.</param>
    public void End(Chance chance)
    {
        IsGone = true;
        EndHoldings(chance);
        for (int round = 0; round < 2; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        _cache.Validate();
        _cache.Dispose();
        _pages.Dispose();
        _memory.Validate();
        _memory.Dispose();
        Array.ForEach(_spaces, static space => space.Dispose());
        Runtime.Trim();
        RequireEmpty(Validate(chance));
        Shadow.Forget(Runtime.Frames.Zone.BaseAddress, Runtime.Frames.Zone.Bytes);
        Runtime.Dispose();
        if (Platform?.Leak() is { } leak)
        {
            throw new FindingException($"end of {Name}", 0, "that all address space and all files are given back", leak);
        }
    }

    private void EndHoldings(Chance chance)
    {
        foreach (Slot slot in _slots)
        {
            Holding? holding = slot.Holding;
            slot.Holding = null;
            holding?.End(slot.Owner, chance);
        }
    }

    private static bool IsRefusal(Exception exception) => exception is OutOfMemoryException or PageUnavailableException { IsCorrupted: false };

    /// <summary>A memory of which most is compressed or on file, and a file that fails as the platform does.</summary>
    private static MemoryPages MakeMemory(string name, MemoryRuntime runtime, UnreliablePlatform? platform, int slots)
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativemm-soak-{Environment.ProcessId}-{name}");
        PlatformResult result = BackingFile.Create(path, out IBackingFile? file);
        if (file is null)
        {
            throw new IOException($"The file '{path}' for the paged memory cannot be made: {result}.");
        }

        var options = new PagedMemoryOptions { Name = $"memory of {name}", ResidentBytes = PagedMemoryOptions.ResidentBytesMin, CompressedBytes = 512 << 10 };
        long bytes = (long)slots * PagedHolding.PagesEach * StampedPage.PageBytes;
        IBackingFile used = platform is null ? file : new UnreliableFile(file, platform.Seed, platform.RefusedPerThousand);
        return new MemoryPages(new PagedMemory(bytes, options, runtime, used), new ImageCount(ImagesMax));
    }

    private void RequireEmpty(RuntimeStatistics statistics)
    {
        foreach (HeapStatistics heap in statistics.Heaps)
        {
            Require(heap.LiveBytes == 0, $"no live bytes in heap '{heap.Name}'", $"{heap.LiveBytes} bytes, {heap.LargeBlocks} large blocks");
        }

        Require(_objects.GetStatistics().Objects == 0, "no objects", $"{_objects.GetStatistics().Objects}");
        VmapStatistics vmap = statistics.Vmap!;
        Require(vmap.BusyPages == 0, "no busy pages of the window", $"{vmap.BusyPages}");
        ulong slabs = statistics.Heaps.Aggregate(0UL, (sum, heap) => sum + heap.SlabBytes);
        ulong pools = (ulong)_objects.GetStatistics().Frames * 4096;
        Require(
            statistics.Zone.AllocatedFrames * 4096 == slabs + pools,
            $"allocated frames for {slabs} bytes of slabs and {pools} of pools",
            $"{statistics.Zone.AllocatedFrames * 4096} bytes");
    }

    private void Require(bool holds, string expected, string found)
    {
        if (!holds)
        {
            throw new FindingException($"accounting of {Name}", 0, expected, found);
        }
    }

    private Holding Make(Owner owner, Chance chance)
    {
        NativeHeap heap = _heaps[chance.Below(_heaps.Length)];
        return chance.Below(40) switch
        {
            0 => OwnHeapHolding.Make(Runtime, owner, chance),
            1 or 2 => BufferHolding.Make(heap, owner, chance),
            3 => BufferHolding.MakeByWriter(heap, owner, chance),
            4 or 5 => RentHolding.Make(_rents, owner, chance),
            6 => ArenaHolding.Make(heap, owner, chance),
            7 => RingHolding.Make(Runtime, owner, chance),
            8 => MappedHolding.Make(Runtime, owner, chance),
            9 or 10 => RangeHolding.Make(Runtime.Vmap, owner, chance),
            11 => MapHolding.Make(Runtime.Vmap, owner, chance),
            12 or 13 or 14 => ObjectHolding.Make(_objects, owner, chance),
            15 or 16 => PageHolding.Make(_pages, owner, chance),
            17 or 18 => FrameHolding.Make(Runtime.Frames, owner, chance),
            19 or 20 or 21 => AreaHolding.Make(_spaces[chance.Below(_spaces.Length)], owner, chance),
            22 or 23 or 24 => PagedHolding.Make(_memory, owner.Number - _firstOwner, owner),
            25 or 26 or 27 => CacheHolding.Make(_cache.Cache, owner, chance),
            _ => HeapBlockHolding.Make(heap, owner, chance),
        };
    }
}
