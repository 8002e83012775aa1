using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Heap.Profile;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Teardown;

namespace NativeMm.Runtime;

/// <summary>
/// One zone of frames, its allocator, the heaps and pools over it and the background work that gives memory back. Most programs use
/// <see cref="Shared"/> only, and even that by way of <see cref="NativeHeap.Shared"/>.
/// </summary>
/// <remarks>
/// Thread-safe. <see cref="Dispose"/> waits for the other members of this type that are at work, for those who count, trim or validate a part of it (a heap,
/// a pool, its frames, <see cref="Vmap"/>), and for finalizers. No use of the memory of its parts may overlap it. A runtime that nobody refers to any more goes by itself when no block and no frame of it is in use.
/// </remarks>
public sealed partial class MemoryRuntime : IDisposable, IAsyncDisposable, IBackgroundPass
{
    private static SleepLock s_sharedLock;
    private static MemoryRuntimeOptions? s_sharedOptions;
    private static MemoryRuntime? s_shared;

    private readonly IMemoryPlatform _platform;
    private readonly FrameZone _zone;
    private readonly IFrameAllocator _frames;
    private readonly SlabSpace _space;
    private readonly PageReporter _reporter;
    private readonly BackgroundPasses? _trimmer;
    private readonly HeapOptions _heapOptions;
    private readonly TeardownWorkers _teardown;
    private readonly PageRelease _pages;
    private RuntimeMeter? _meter;
    private readonly bool _isShared;
    private readonly FailureLog _meterFailures = new("the meter of the shared runtime");

    /// <summary>Makes a runtime of its own: its zone, frames and heap are apart from all others.</summary>
    /// <param name="options">Null for the defaults and what the environment says.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ArgumentNullException">A group of options is null.</exception>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused to reserve the zone.</exception>
    public MemoryRuntime(MemoryRuntimeOptions? options = null)
        : this(options ?? MemoryRuntimeOptions.FromEnvironment(), SystemPlatform.Current, isShared: false) => EnvironmentNotes.Say(Options, Heap.Name);

    /// <summary>Makes a runtime over a platform.</summary>
    internal MemoryRuntime(MemoryRuntimeOptions options, IMemoryPlatform platform, bool isShared)
    {
        Options = options;
        _platform = platform;
        _isShared = isShared;
        _heapOptions = new HeapOptions
        {
            Name = isShared ? "shared" : options.Name,
            LargeRetainBytesMax = options.LargeRetainBytesMax,
            ThreadCacheBytesMax = options.ThreadCacheBytesMax,
            Checked = options.Checked,
            Sampled = options.Sampled,
            Profile = options.HeapProfile ? new HeapProfile((long)options.HeapProfileIntervalBytes, options.HeapProfileTimePercentMax) : null,
        };
        try
        {
            options.Validate();
            _teardown = new TeardownWorkers(options.Teardown);
            _pages = new PageRelease(platform, _teardown);
            (_share, _processBytesMax) = LimitsOf(options);
            _limitsReadAt = Now;
            ulong retained = ulong.Min(options.LargeRetainBytesMax, _share / RetainDivisor);
            _heapOptions = _heapOptions with { Pages = _pages, Room = this, LargeRetainBytesMax = retained, LargeRetainTouchedBytesMax = _share / RetainTouchedDivisor };
            if (!isShared)
            {
                // The end may allocate nothing.
                _pages.Prepare();
            }

            _space = Reserve(platform, options, _share);
            _space.Room = this;
            _frames = _space.Frames;
            _zone = _frames.Zone;
            _zone.AdviseHugePages(options.HugePages);
            _zone.PageRelease = _pages;

            _migration = new FrameMigration(_frames);
            _frames.AddShrinker(_migration);
            _allocatedFrames = new SlidingRange(options.Reporting.Delay);
            Heap = new NativeHeap(_space, _heapOptions, isShared);
            _reporter = new PageReporter(
                ReportableFrames.For(_frames, options.Reporting.Scheme), options.Reporting, TimeProvider.System, nameof(MemoryRuntime));
            if (MadviseDevice.IsSupportedBy(platform))
            {
                _reporter.Register(new MadviseDevice(platform, options.Reporting.Mode, _pages, _space, new DescriptorFollower(_zone)));
            }

            TimeSpan heapInterval = options.PurgeDelay / PassesPerDelay;
            _beatSlack = (heapInterval < options.Reporting.PassInterval ? heapInterval : options.Reporting.PassInterval) / BeatSlackDivisor;
            _rest = new RestPace(2 * options.PurgeDelay);
            _heapSchedule = new PassSchedule(heapInterval, Now);
            _frameSchedule = new PassSchedule(options.Reporting.PassInterval, Now);
            if (!isShared)
            {
                PublishMeter();
            }

            _trimmer = options.BackgroundTrim ? new BackgroundPasses(this, NextPass(Now), "NativeMm trimmer") : null;

            Register();

            // Whoever has a heap, a pool or frames has the zone, and with it the runtime.
            _zone.Keeper = this;
            if (isShared)
            {
                // Listeners of new instruments run at once, and may use the shared heap, which is only there when this constructor is through.
                ThreadPool.UnsafeQueueUserWorkItem(static runtime => runtime.PublishMeter(), this, preferLocal: false);
            }
        }
        catch
        {
            GC.SuppressFinalize(this);
            Unregister();
            _meter?.Dispose();
            Heap?.Release();
            _teardown?.Dispose();
            ReleaseFrames();
            _loadContext.Dispose();
            throw;
        }
    }

    /// <summary>The process-wide runtime. It is never disposed; where the library was loaded into a collectible load context, it goes with that.</summary>
    /// <exception cref="FormatException">An environment variable has a value that is not understood: the process has no shared runtime.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused to reserve the zone: the process has no shared runtime.</exception>
    public static MemoryRuntime Shared
    {
        get
        {
            NativeHeap.Shared.ThrowIfDisposed();
            return s_shared!;
        }
    }

    /// <summary>The options in force, with the automatic capacity still as 0.</summary>
    public MemoryRuntimeOptions Options { get; }

    /// <summary>The runtime's first heap.</summary>
    public NativeHeap Heap { get; }

    /// <summary>The frames under the heaps. Whoever allocates here shares the zone with them. They end with the runtime: to dispose them does nothing.</summary>
    public IFrameAllocator Frames => _frames;

    /// <summary>
    /// Who gives free frames back, with a <see cref="MadviseDevice"/> where the system can take pages back. Unregister that to register another.
    /// It belongs to the runtime, which makes its passes and ends it: Start and Dispose are refused.
    /// </summary>
    public PageReporter Reporter => _reporter;

    /// <summary>Sets the options of <see cref="Shared"/>. Call it at the start of the program, before anything uses the shared heap.</summary>
    /// <param name="options">Checked at once, used when the shared runtime is made.</param>
    /// <exception cref="InvalidOperationException">
    /// The shared runtime exists already. One that could not be made when it was first used does not: its next use tries again, with these options.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ArgumentNullException">The options are null, or a group of them.</exception>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    public static void ConfigureShared(MemoryRuntimeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using (s_sharedLock.EnterScope())
        {
            options.Validate();
            if (s_shared is not null)
            {
                throw new InvalidOperationException("The shared runtime is in use already; configure it before the first allocation of the process.");
            }

            s_sharedOptions = options;
        }
    }

    /// <summary>Makes one more heap over the same frames. Dispose it to free all its blocks at once.</summary>
    /// <param name="name">Its name in messages and listings.</param>
    /// <returns>A heap that lives until it is disposed, or its runtime is.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public NativeHeap CreateHeap(string name = "independent")
    {
        ArgumentNullException.ThrowIfNull(name);
        using EndGate.Visit inside = _end.Visiting(this);
        return new NativeHeap(_space, _heapOptions with { Name = name }, isShared: false);
    }

    /// <summary>
    /// Writes where the program's blocks were allocated, in the format of pprof: estimates from a sample, of all allocations since the start
    /// (<c>alloc_objects</c>, <c>alloc_space</c>) and of what is in use (<c>inuse_objects</c>, <c>inuse_space</c>). Needs
    /// <see cref="MemoryRuntimeOptions.HeapProfile"/>.
    /// </summary>
    /// <param name="stream">Where to; it stays open.</param>
    /// <remarks>An allocation that takes what its thread freed a moment ago is not seen: <c>alloc_space</c> counts what comes out of the thread's cache anew.</remarks>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidOperationException">The runtime was made without <see cref="MemoryRuntimeOptions.HeapProfile"/>.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public void WriteHeapProfile(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using EndGate.Visit inside = _end.Visiting(this);
        PprofWriter.Write(
            _heapOptions.Profile ?? throw new InvalidOperationException($"The runtime '{Heap.Name}' keeps no profile: MemoryRuntimeOptions.HeapProfile is false."),
            stream);
    }

    /// <summary>Makes the shared runtime. The heap layer calls it through its contract, until there is one.</summary>
    internal static MemoryRuntime CreateShared()
    {
        using (s_sharedLock.EnterScope())
        {
            if (s_shared is null)
            {
                s_shared = new MemoryRuntime(s_sharedOptions ?? MemoryRuntimeOptions.FromEnvironment(), SystemPlatform.Current, isShared: true);
                EnvironmentNotes.Say(s_shared.Options, s_shared.Heap.Name);
            }

            return s_shared;
        }
    }

    /// <summary>
    /// Reserves the zone and everything beside it. Where the system counts every reservation as if it were used (strict overcommit), an automatic
    /// capacity is halved until all of it fits; one that was asked for is not.
    /// </summary>
    private static SlabSpace Reserve(IMemoryPlatform platform, MemoryRuntimeOptions options, ulong share)
    {
        ulong capacity = options.CapacityBytes != 0 ? options.CapacityBytes : DefaultCapacity(share);
        while (true)
        {
            bool mayBeLess = options.CapacityBytes == 0 && capacity / 2 >= MemoryRuntimeOptions.CapacityBytesMin;
            try
            {
                return Reserve(platform, options.FrameAllocator, capacity);
            }
            catch (OutOfMemoryException) when (mayBeLess)
            {
                capacity /= 2;
            }
        }
    }

    private static SlabSpace Reserve(IMemoryPlatform platform, FrameAllocatorKind kind, ulong capacity)
    {
        Require(FrameZone.TryCreate(platform, ZoneKind.Normal, capacity, out FrameZone? zone), "the zone", capacity);
        IFrameAllocator? frames = null;
        try
        {
            frames = kind == FrameAllocatorKind.Buddy ? new BuddyFrameAllocator(zone!) : new LockFreeFrameAllocator(zone!);
            Require(SlabSpace.TryCreate(frames, platform, out SlabSpace? space), "the slab descriptors", capacity);
            return space!;
        }
        catch
        {
            frames?.Dispose();
            zone!.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The share of native memory; of limited address space no more than a quarter of what is left beyond 512 MiB, because threads, mappings and managed
    /// memory need some too, and a process that has none left cannot even write to its console.
    /// </summary>
    private static ulong DefaultCapacity(ulong share) => Math.Clamp(
        Math.Min(share, ResourceLimits.AddressBytesShare),
        MemoryRuntimeOptions.CapacityBytesMin,
        MemoryRuntimeOptions.CapacityBytesMax);

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a listener throws must not end a process that only allocates.")]
    private void PublishMeter()
    {
        try
        {
            _meter = MakeMeter();
        }
        catch (Exception failure) when (_isShared)
        {
            _meterFailures.Note(failure);
        }
    }

    private static void Require(PlatformResult result, string what, ulong capacity)
    {
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The operating system refused to reserve {what} for a capacity of {capacity} bytes: {result}."
                + ResourceLimits.Explain(result, "MemoryRuntimeOptions.CapacityBytes"));
        }
    }
}
