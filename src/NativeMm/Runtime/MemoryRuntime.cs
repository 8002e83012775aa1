using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <summary>
/// One zone of frames, its allocator, the heaps and pools over it and the background work that gives memory back. Most programs use
/// <see cref="Shared"/> only, and even that by way of <see cref="NativeHeap.Shared"/>.
/// </summary>
/// <remarks>Thread-safe, except <see cref="Dispose"/>, which no other use may overlap.</remarks>
public sealed partial class MemoryRuntime : IDisposable, IBackgroundPass
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
    private RuntimeMeter? _meter;
    private readonly bool _isShared;
    private readonly FailureLog _meterFailures = new("the meter of the shared runtime");
    private bool _disposed;

    /// <summary>Makes a runtime of its own: its zone, frames and heap are apart from all others.</summary>
    /// <param name="options">Null for the defaults and what the environment says.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused to reserve the zone.</exception>
    public MemoryRuntime(MemoryRuntimeOptions? options = null)
        : this(options ?? MemoryRuntimeOptions.FromEnvironment(), SystemPlatform.Current, isShared: false)
    {
    }

    /// <summary>Makes a runtime over a platform.</summary>
    internal MemoryRuntime(MemoryRuntimeOptions options, IMemoryPlatform platform, bool isShared)
    {
        options.Validate();
        Options = options;
        _platform = platform;
        _isShared = isShared;
        _heapOptions = new HeapOptions
        {
            Name = isShared ? "shared" : "runtime",
            LargeRetainBytesMax = options.LargeRetainBytesMax,
            ThreadCacheBytesMax = options.ThreadCacheBytesMax,
            Checked = options.Checked,
        };
        try
        {
            _zone = ReserveZone(platform, options.CapacityBytes);
            ulong capacity = _zone.Bytes;
            _frames = options.FrameAllocator == FrameAllocatorKind.Buddy ? new BuddyFrameAllocator(_zone) : new LockFreeFrameAllocator(_zone);
            Require(SlabSpace.TryCreate(_frames, platform, out SlabSpace? space), "the slab descriptors", capacity);
            _space = space!;
        }
        catch
        {
            _space?.Dispose();
            _frames?.Dispose();
            _zone?.Dispose();
            throw;
        }

        if (options.HugePages)
        {
            // Advice only: a system without huge pages refuses it, and everything works as before.
            _ = platform.AdviseHugePages(_zone.BaseAddress, _zone.Bytes, enabled: true);
        }

        _migration = new FrameMigration(_frames);
        Heap = new NativeHeap(_space, _heapOptions, isShared);
        _reporter = new PageReporter(
            ReportableFrames.For(_frames, options.Reporting.Scheme), options.Reporting, TimeProvider.System, isOwned: true);
        if (MadviseDevice.IsSupportedBy(platform))
        {
            _reporter.Register(new MadviseDevice(platform, options.Reporting.Mode, _space));
        }

        TimeSpan heapInterval = options.PurgeDelay / PassesPerDelay;
        _beatSlack = (heapInterval < options.Reporting.PassInterval ? heapInterval : options.Reporting.PassInterval) / BeatSlackDivisor;
        _rest = new RestPace(2 * options.PurgeDelay);
        _heapSchedule = new PassSchedule(heapInterval, Now);
        _frameSchedule = new PassSchedule(options.Reporting.PassInterval, Now);
        _trimmer = options.BackgroundTrim ? new BackgroundPasses(this, NextPass(Now), "NativeMm trimmer") : null;
        if (!isShared)
        {
            PublishMeter();
        }
        else
        {
            // Listeners of new instruments run at once, and may use the shared heap, which is only there when this constructor is through.
            ThreadPool.UnsafeQueueUserWorkItem(static runtime => runtime.PublishMeter(), this, preferLocal: false);
        }
    }

    /// <summary>The process-wide runtime. It is never disposed.</summary>
    public static MemoryRuntime Shared
    {
        get
        {
            _ = NativeHeap.Shared;
            return s_shared!;
        }
    }

    /// <summary>The options in force, with the automatic capacity still as 0.</summary>
    public MemoryRuntimeOptions Options { get; }

    /// <summary>The runtime's first heap.</summary>
    public NativeHeap Heap { get; }

    /// <summary>The frames under the heaps. Whoever allocates here shares the zone with them.</summary>
    public IFrameAllocator Frames => _frames;

    /// <summary>
    /// Who gives free frames back, with a <see cref="MadviseDevice"/> where the system can take pages back. Unregister that to register another.
    /// It belongs to the runtime, which makes its passes and ends it: Start and Dispose are refused.
    /// </summary>
    public PageReporter Reporter => _reporter;

    /// <summary>Sets the options of <see cref="Shared"/>. Call it at the start of the program, before anything uses the shared heap.</summary>
    /// <exception cref="InvalidOperationException">The shared runtime exists already.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void ConfigureShared(MemoryRuntimeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        using (s_sharedLock.EnterScope())
        {
            if (s_shared is not null)
            {
                throw new InvalidOperationException("The shared runtime is in use already; configure it before the first allocation of the process.");
            }

            s_sharedOptions = options;
        }
    }

    /// <summary>Makes one more heap over the same frames. Dispose it to free all its blocks at once.</summary>
    /// <param name="name">Its name in messages and listings.</param>
    public NativeHeap CreateHeap(string name = "independent")
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var heap = new NativeHeap(_space, _heapOptions with { Name = name }, isShared: false);
        return heap;
    }

    /// <summary>Frees everything, also the blocks that are still in use, and stops the background work.</summary>
    /// <exception cref="InvalidOperationException">
    /// This is the shared runtime, or this is called from within a trim, such as by the reporting device.
    /// </exception>
    public void Dispose()
    {
        if (_isShared)
        {
            throw new InvalidOperationException("The shared runtime lives as long as the process and cannot be disposed.");
        }

        if (_reporter.IsReportingHere || _trimLock.IsHeldByCurrentThread)
        {
            throw new InvalidOperationException("A runtime cannot be disposed from within its own trim or by its reporting device: what would go is in use.");
        }

        if (_disposed)
        {
            return;
        }

        // The meter first, whose callbacks need what goes. Then all who work are asked to stop before any is waited for.
        _meter?.Dispose();
        _disposed = true;
        _trimmer?.Stop();
        _reporter.Close();
        _trimmer?.Dispose();
        _trimLock.Enter();
        _trimLock.Exit();
        foreach (ZsPool pool in Pools())
        {
            pool.Dispose();
        }

        int place = int.MaxValue;
        while (_space.HeapBefore(ref place) is { } heap)
        {
            heap.Release();
        }

        DisposeVmap();
        _space.Dispose();
        _frames.Dispose();
        _zone.Dispose();
    }

    /// <summary>Makes the shared runtime. The heap layer calls it once, through its contract.</summary>
    internal static MemoryRuntime CreateShared()
    {
        using (s_sharedLock.EnterScope())
        {
            return s_shared ??= new MemoryRuntime(s_sharedOptions ?? MemoryRuntimeOptions.FromEnvironment(), SystemPlatform.Current, isShared: true);
        }
    }

    /// <summary>
    /// Reserves the zone. Where the system counts every reservation as if it were used (strict overcommit), an automatic capacity is halved
    /// until it fits; one that was asked for is not.
    /// </summary>
    private static FrameZone ReserveZone(IMemoryPlatform platform, ulong asked)
    {
        ulong capacity = asked != 0 ? asked : DefaultCapacity();
        while (true)
        {
            PlatformResult result = FrameZone.TryCreate(platform, ZoneKind.Normal, capacity, out FrameZone? zone);
            if (zone is not null)
            {
                return zone;
            }

            ulong half = capacity / 2;
            if (asked != 0 || half < MemoryRuntimeOptions.CapacityBytesMin)
            {
                Require(result, "the zone", capacity);
            }

            capacity = half;
        }
    }

    private static ulong DefaultCapacity()
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return Math.Clamp((ulong)available, MemoryRuntimeOptions.CapacityBytesMin, MemoryRuntimeOptions.CapacityBytesMax);
    }

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

    private RuntimeMeter MakeMeter()
    {
        var meter = new RuntimeMeter(Heap.Name);
        meter.AddBytes("memory.reserved", "Address space that the runtime holds.", () => (long)GetStatistics().ReservedBytes);
        meter.AddBytes("memory.committed", "Bytes that the operating system may hold memory for.", () => (long)GetStatistics().CommittedBytes);
        meter.AddBytes("memory.in_use", "Bytes in the hands of the program.", () => (long)GetStatistics().InUseBytes);
        meter.AddBytes("memory.retained", "Committed bytes that nobody uses.", () => (long)GetStatistics().RetainedBytes);
        meter.AddTotal("memory.returned", "By", "Bytes given back to the operating system.", () => (long)GetStatistics().ReturnedBytes);
        meter.AddTotal("reporting.bytes", "By", "Bytes of free frames that the reporting device took note of.", () => (long)_reporter.GetStatistics().ReportedBytes);
        meter.AddTotal("reporting.failures", "{call}", "Calls of the reporting device that failed.", () => _reporter.GetStatistics().DeviceFailures);
        meter.AddTotal("trim.passes", "{pass}", "Trim passes made.", () => GetStatistics().TrimPasses);
        return meter;
    }

    private static void Require(PlatformResult result, string what, ulong capacity)
    {
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The operating system refused to reserve {what} for a capacity of {capacity} bytes: {result}.");
        }
    }
}
