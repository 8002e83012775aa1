// Purpose      contiguous address ranges over scattered frames, mapped by the processor, freed lazily and reused without a system call.
//
// States       a range (VmapArea.Word)    None → Busy        Make: taken from the free tree, frames behind it, mapped
//                                         Busy → None        Free, Unmap: CAS, so that one of two frees wins and the other is reported
//                                         Busy → Busy, held → Busy or None   Realloc: CAS, so that a free beside it is reported and takes nothing
//                                         None → Pooled      kept by the pool of its home core, mapped and with frames
//                                         Pooled → Busy      popped by an allocation       Pooled → Lazy   a pool decays
//                                         None → Lazy        waits in the lazy set         Lazy → None     a purge unmapped it
//                                         None → Block → Lazy   a block of short-lived maps
//              "None" with pages in the table is the private moment of the thread that moves the range on.
//              Each → Busy from None or Pooled counts the generation up, which no other step changes (VmapAreaWord).
//
// Ownership    field                | who writes                         | who reads        | how
//              area.Word            | whoever moves the range on         | anybody          | CAS from Busy, else release; acquire
//              page → area, frame   | maker and purger of the range      | anybody          | release, acquire
//              frame tags           | mappers, holders                   | the same         | locked operations (FrameReferences)
//              lazy pages           | frees (reserve), purges (give)     | anybody          | CAS up to the hard bound, addition down
//              pools                | holder of the pool's lock          | the same         | plain
//              scratch              | holder of the purge lock           | it and helpers   | plain, published by the claim counter
//              disposed             | Dispose, after it closed the gate  | anybody          | plain; guests are inside the gate (EndGate)
//
// Ordering     [V1] the release of Busy after the table entries pairs with [V2], the acquire of AreaOf by whoever looks an address up.
//              [V3] a range's end (the CAS of the word, then the release of the pool's lock or of the frame) comes before whatever its frames hold next, and
//              pairs with [V4], the fence of Read between the bytes and its second look at the word. A new owner's version comes before his Busy, and
//              what he asked to be zeroed is zero before both: bytes that Read gives are those of the one owner whose version it saw twice.
//              [W1], the read of a record's word by whoever found it by an address, comes before what he reads of the record, and pairs with [W2], the CAS
//              of his step (VmapArea): it finds the same generation only if the record had one owner throughout, so that what he read is that owner's.
//              A purge unmaps first, drops the references of the frames second and gives the addresses back third: neither a frame nor an address
//              is anybody else's while a stale translation exists.
//
// Locks        end gate (finalizers, buffers, whoever counts, looks, trims or validates; Dispose waits for them) or pass lock (passes of idle time, Validate) → purge lock → (pool | queue of blocks) → (lazy set | free space | records), each held alone; system calls
//              are made under the purge lock only.
//
// Forgotten    the finalizer releases the memory when no range, map or frame is in use. Whoever is inside of an operation then, with the last reference
//              gone, must not touch the memory: what belongs to a range in his hands is in use, what he does under the purge lock the finalizer waits
//              for, and everything else keeps the allocator alive to its end (GC.KeepAlive).
//
// Reuse        a record goes to another range, and a range to another owner at the same address. A free, unmap, resize or look at a frame that found the
//              record before that fails at [W2], because the generation is another; one that begins afterwards is the new owner's own, as with any
//              address. 2^56 owners of one record would have to pass under a thread that stands still.
//
// Accounting   window = free + busy + lazy + pooled + blocks, in pages, at rest; checked by Validate from the records themselves.
//
// Progress     a hit in the pool: one short lock of the core. A free that meets the hard bound purges by itself, or waits until the purge that runs
//              has made room, which is after each batch of pieces.
//
// Source       mm/vmalloc.c of Linux: augmented free space, lazy purge with merged ranges (5.11), per-node pools that decay (6.9), vmap blocks.
//              Departures: lazily freed ranges stay mapped and keep their frames, because unmapping is what costs in user space; a hard bound
//              on them; producers are slowed down before it.

using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <summary>
/// Contiguous ranges of addresses over page frames that lie anywhere: <see cref="Alloc"/> for ranges with frames of their own, <see cref="Map"/> to
/// see given frames side by side, as often as wanted and without a copy.
/// </summary>
/// <remarks>
/// <para>Ranges are whole pages of 4 KiB. Freed ranges stay mapped for reuse, or until a purge unmaps many at once; a frame is nobody else's before
/// its last mapping is gone. Using a range after its <see cref="Free(void*)"/> is as undefined as with any allocator, and may kill the process.</para>
/// <para>Thread-safe, except <see cref="Dispose"/>, which no use of ranges may overlap: it waits for finalizers of buffers and rings, and for those who
/// count, look, trim or validate. An allocator that is forgotten goes when nothing of it is in use any more. Elsewhere than on Linux with pages of 4 KiB nothing can be mapped twice: <see cref="Alloc"/>
/// gives contiguous frames, up to 4 MiB, and <see cref="Map"/> throws.</para>
/// </remarks>
public sealed unsafe partial class VmapAllocator : IShrinker, IDisposable
{
    private const uint RangesMax = 1 << 22;
    private const ulong DefaultWindowFactor = 4;

    private readonly IMemoryPlatform _platform;
    private readonly FrameZone _zone;
    private readonly LockFreeFrameAllocator _frames;
    private readonly PageReporter _reporter;
    private readonly FrameReferences _references;
    private readonly VmapAreas _areas;
    private readonly MappingBudget _budget;
    private readonly VmapMapper _mapper;
    private readonly FreeSpace _free;
    private readonly LazySet _lazy;
    private readonly bool _canMap;
    private readonly uint _windowPages;
    private readonly int _poolMask;
    private readonly long _pooledPagesMax;
    private nuint _window;

    // 0 after Dispose: no address lies in the window then, however wild it is.
    private nuint _windowBytes;
    private VmapPool* _pools;
    private readonly BookkeepingTable _scratchTable;
    private PageRange* _scratch;

    // Finalizers and buffers are inside while they give something back, and whoever counts, looks, trims or validates.
    private EndGate _end;
    private bool _disposed;

    /// <summary>Makes an allocator with a zone of its own.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused the zone or the window.</exception>
    public VmapAllocator(VmapOptions? options = null)
        : this(options ?? new VmapOptions(), SystemPlatform.Current, idleInterval: PurgeWorker.IdleInterval)
    {
    }

    /// <summary>Makes an allocator over a platform, with other parts where a measurement wants them.</summary>
    /// <param name="options">The options.</param>
    /// <param name="platform">Who maps.</param>
    /// <param name="makeFreeSpace">Null for the free space of the library.</param>
    /// <param name="makeLazySet">Null for the lazy set of the library.</param>
    /// <param name="idleInterval">
    /// Time between passes of idle time by the worker; null where the owner calls <see cref="TrimIdle"/> and <see cref="PollReporter"/>.
    /// </param>
    internal VmapAllocator(
        VmapOptions options,
        IMemoryPlatform platform,
        Func<FreeSpaceGeometry, FreeSpace>? makeFreeSpace = null,
        Func<FreeSpaceGeometry, LazySet>? makeLazySet = null,
        TimeSpan? idleInterval = null)
    {
        try
        {
            ArgumentNullException.ThrowIfNull(options);
            options.Validate();
            Options = options;
            _platform = platform;
            _canMap = (platform.Capabilities & PlatformCapabilities.MapTwice) != 0 && platform.PageBytes == Pfn.FrameBytes;
            _zone = MakeZone();
            _frames = new LockFreeFrameAllocator(_zone);
            _reporter = MakeReporter();
            _isolators.Add(_reporter);
            _references = new FrameReferences(_frames);
            _windowBytes = _canMap ? (nuint)WindowBytesOf(options, _zone.Bytes) : _zone.Bytes;
            _windowPages = (uint)(_windowBytes >> Pfn.FrameShift);
            _window = _canMap ? ReserveWindow() : _zone.BaseAddress;
            var geometry = new FreeSpaceGeometry(platform, _window >> Pfn.FrameShift, _windowPages, uint.Min(_windowPages, RangesMax));
            _areas = new VmapAreas(geometry);
            _free = MakeFreeSpace(geometry, makeFreeSpace);
            _lazy = makeLazySet?.Invoke(geometry) ?? new SortedLazySet(geometry);
            _budget = new MappingBudget(platform, _free, MappingsMaxOf(options, platform));
            _mapper = new VmapMapper(platform, _zone, _window, _areas, _budget);
            _scratchTable = new BookkeepingTable(platform, sizeof(PageRange), (nuint)geometry.RangesMax + 1, 0);
            _scratch = (PageRange*)_scratchTable.Address;
            int cores = (int)uint.Min(BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount), 128);
            _poolMask = cores - 1;
            _pools = (VmapPool*)ReserveBookkeeping((nuint)cores * VmapPool.Bytes);
            _pooledPagesMax = (long)(options.PooledBytesMaxPerCore >> Pfn.FrameShift);
            (_lazyPagesMax, _lazyPagesBound) = options.LazyPages(Environment.ProcessorCount);
            _queues = MakeQueues(_poolMask + 1);
            _frames.AddShrinker(this);
            _worker = _canMap && options.Purge.Executor != PurgeExecutor.Caller ? new PurgeWorker(this, idleInterval) : null;

            // Whoever has the zone in his hands has the allocator. A runtime takes its place.
            _zone.Keeper = this;
        }
        catch
        {
            GC.SuppressFinalize(this);
            ReleaseAll();
            throw;
        }
    }

    /// <summary>Lets a forgotten allocator go, and all its memory, as soon as nothing of it is in use.</summary>
    /// <remarks>
    /// An address does not keep an allocator alive: as long as a range, a map, or a frame is in somebody's hands, the memory stays, and the next full
    /// garbage collection asks again. No part that is used here has a finalizer of its own. The background thread holds the allocator weakly and
    /// ends by itself.
    /// </remarks>
    ~VmapAllocator()
    {
        PurgeEverything();
        if (FreePages() == _windowPages && _frames.GetStatistics().AllocatedFrames == 0 && TryEnd())
        {
            _worker?.Forget();
            ReleaseAll();
        }
        else
        {
            GC.ReRegisterForFinalize(this);
        }
    }

    /// <summary>The options in force, with the automatic values still as 0.</summary>
    public VmapOptions Options { get; }

    /// <summary>Whether frames can be mapped; if not, <see cref="Alloc"/> gives contiguous frames and <see cref="Map"/> throws.</summary>
    public bool CanMap => _canMap;

    /// <summary>The zone that the frames come from. It goes with the allocator: to dispose it does nothing.</summary>
    public FrameZone Zone => _zone;

    /// <summary>
    /// Who gives free frames back, with a <see cref="PunchHoleDevice"/> where frames can be mapped, else a <see cref="MadviseDevice"/> where the system
    /// can take pages back. It belongs to the allocator: Start and Dispose are refused.
    /// </summary>
    public PageReporter Reporter => _reporter;

    /// <summary>The frames below. Frames for <see cref="Map"/> come from <see cref="AllocateFrames"/> instead, which counts their uses.</summary>
    internal IFrameAllocator Frames => _frames;

    /// <summary>
    /// Frees everything, also the ranges that are still in use, and waits for finalizers that are giving something back and for those who count, look,
    /// trim or validate. A second call does nothing, and neither does any on the allocator of a runtime, which goes with that.
    /// </summary>
    /// <exception cref="InvalidOperationException">The reporting device calls this from its Report: what would go is in use.</exception>
    public void Dispose()
    {
        if (_reporter.IsReportingHere)
        {
            throw new InvalidOperationException("A vmap allocator cannot be disposed by its reporting device: what would go is in use.");
        }

        if (!IsKeeper || !TryEnd())
        {
            return;
        }

        GC.SuppressFinalize(this);
        _worker?.Dispose();
        _frames.RemoveShrinker(this);
        ReleaseAll();
    }

    /// <summary>Whether nobody else ends the allocator: a runtime does it for its own, and lets go of the zone before.</summary>
    private bool IsKeeper => _zone.Keeper is null || ReferenceEquals(_zone.Keeper, this);

    /// <summary>Closes the allocator, once.</summary>
    private bool TryEnd()
    {
        bool ends = _end.Close();
        _disposed = true;
        return ends;
    }

    private static ulong WindowBytesOf(VmapOptions options, nuint zoneBytes)
    {
        ulong bytes = options.WindowBytes != 0 ? options.WindowBytes : ulong.Min(DefaultWindowFactor * zoneBytes, VmapOptions.BytesMax);
        return (bytes + FrameZone.Alignment - 1) & ~(ulong)(FrameZone.Alignment - 1);
    }

    private static int MappingsMaxOf(VmapOptions options, IMemoryPlatform platform) =>
        options.MappingsMax != 0 ? options.MappingsMax : platform.MappingsMax == 0 ? int.MaxValue : platform.MappingsMax / 4 * 3;

    private FreeSpace MakeFreeSpace(FreeSpaceGeometry geometry, Func<FreeSpaceGeometry, FreeSpace>? make) =>
        make is not null ? make(geometry)
        : Options.LockStatistics ? new LockedFreeSpace<LockStatistics>(geometry)
        : new LockedFreeSpace<NoLockStatistics>(geometry);

    private FrameZone MakeZone()
    {
        ulong capacity = Options.CapacityBytes != 0
            ? Options.CapacityBytes
            : Math.Clamp(DefaultCapacity(), VmapOptions.BytesMin, VmapOptions.BytesMax);

        // Without mappings a range is a block of the zone, which is aligned to its size within the zone.
        PlatformResult result = _canMap
            ? FrameZone.TryCreate(_platform, ZoneKind.Mappable, capacity, out FrameZone? zone)
            : FrameZone.TryCreate(_platform, ZoneKind.Normal, capacity, out zone, Order.Max.Bytes);
        return zone ?? throw new OutOfMemoryException($"The operating system refused to reserve a zone of {capacity} bytes for mapping: {result}."
            + ResourceLimits.Explain(result, "VmapOptions.CapacityBytes"));
    }

    /// <summary>
    /// The share of native memory; not above the largest file that may be made, and of limited address space so much that zone and window together
    /// take at most a quarter of what is left beyond 512 MiB.
    /// </summary>
    private static ulong DefaultCapacity() => Math.Min(
        Math.Min(MemoryShares.ReadNative(), ResourceLimits.FileBytes & ~((ulong)FrameZone.Alignment - 1)),
        ResourceLimits.AddressBytesShare / (1 + DefaultWindowFactor));

    private PageReporter MakeReporter()
    {
        PageReporterOptions options = Options.Reporting ?? new PageReporterOptions();
        var reporter = new PageReporter(ReportableFrames.For(_frames, options.Scheme), options, TimeProvider.System, nameof(VmapAllocator));
        if (_canMap)
        {
            reporter.Register(new PunchHoleDevice(_zone));
        }
        else if (MadviseDevice.IsSupportedBy(_platform))
        {
            reporter.Register(new MadviseDevice(_platform, options.Mode, pages: null, new DescriptorFollower(_zone)));
        }

        return reporter;
    }

    private nuint ReserveWindow()
    {
        PlatformResult result = _platform.ReserveClosed(_windowBytes, FrameZone.Alignment, readable: false, out nuint window);
        if (result.Succeeded)
        {
            result = _platform.Revoke(window, _windowBytes);
            if (!result.Succeeded)
            {
                _ = _platform.Release(window, _windowBytes);
            }
        }

        return result.Succeeded
            ? window
            : throw new OutOfMemoryException($"The operating system refused a window of {_windowBytes} bytes of address space: {result}.{ResourceLimits.ExplainAddresses()}");
    }

    private nuint ReserveBookkeeping(nuint bytes)
    {
        PlatformResult result = _platform.Reserve(bytes, _platform.PageBytes, out nuint memory);
        return result.Succeeded ? memory : throw new OutOfMemoryException($"The system refuses {bytes} bytes for the bookkeeping of a window: {result}.{ResourceLimits.ExplainAddresses()}");
    }

    private void ReleaseAll()
    {
        Release(ref _window, _canMap ? _windowBytes : 0);
        nuint pools = (nuint)_pools;
        Release(ref pools, (nuint)(_poolMask + 1) * VmapPool.Bytes);
        _scratchTable?.Dispose();
        _pools = null;
        (_window, _windowBytes) = (0, 0);
        _scratch = null;
        _reporter?.Close();
        _lazy?.Dispose();
        _budget?.Dispose();
        _free?.Dispose();
        _areas?.Dispose();
        if (_zone is not null)
        {
            _zone.Keeper = null;
            _frames?.Dispose();
            _zone.Dispose();
        }
    }

    private void Release(ref nuint address, nuint bytes)
    {
        if (address != 0 && bytes != 0)
        {
            _platform.ReleaseOrKeep(address, bytes);
            address = 0;
        }
    }

    [DoesNotReturn]
    private static void ThrowCannotMap() =>
        throw new PlatformNotSupportedException("This system cannot map a frame at more than one address; that needs Linux with pages of 4 KiB.");
}
