// Purpose      tells a device which free blocks nobody uses, so that their memory can go elsewhere.
// States       ReporterState: idle → requested → active → idle, by the pace. A block: free → isolated → free and reported.
// Transitions  all by whoever holds the pass lock; blocks change hands through IReportableFrames.
// Ownership    field               | who writes                    | who reads        | how
//              device              | register, unregister          | the pass         | CAS, acquire [R1]
//              stop requests       | unregister, failing allocations | the pass       | add, acquire [R2]
//              quiet event         | the pass                      | failing allocations | event
//              pace, walk, counters | the pass                     | statistics       | pass lock; counters release, acquire
// Ordering     [R1] a pass looks at the device before each call and holds the pass lock over the call; unregistering takes the device away and
//              then takes the lock: when it has it, no call is under way and none will follow.
//              [R2] quiet is reset before blocks are isolated and set after they are put back, so whoever finds it set after his allocation
//              failed either failed for another reason or can have the blocks by trying again.
//              [R3] the time is written before the count goes down, so a pass that finds nobody waiting sees when the last one was.
// Progress     blocking among passes only. Allocations never wait for a pass, except one that is about to fail: it waits for one call of the
//              device.
// Source       Linux, mm/page_reporting.c. Departures: the pace also keeps back what was in use within the delay; pieces follow the blocks;
//              see docs/algorithms/page-reporting.md.

using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// Finds free blocks of frames that a device does not know to be free, takes up to <see cref="Capacity"/> of them out of circulation at a
/// time, tells the device, and makes them free again. Thread-safe. One reporter an allocator.
/// </summary>
public sealed partial class PageReporter : IPatientShrinker, IBackgroundPass, IDisposable
{
    /// <summary>Most blocks that a device is told of in one call.</summary>
    public const int Capacity = 32;

    // Of a small zone so small a part stays free, whatever the watermark says: one in so many frames.
    private const ulong ReserveDivisor = 16;

    // After an allocation waited, no pass begins for so long: it takes what it waited for, rather than find it isolated again.
    private const long GraceMilliseconds = 5;
    private const long DeferMillisecondsMax = 100;

    private readonly IReportableFrames _frames;
    private readonly TimeProvider _time;
    private readonly ReporterPace _pace;
    private readonly ulong _reserveFrames;
    private readonly Lock _passLock = new();
    private readonly ManualResetEventSlim _quiet = new(initialState: true);
    private BackgroundPasses? _background;
    private IReportingDevice? _device;
    private uint _stopRequests;
    private int _waiting;
    private long _lastWait = -GraceMilliseconds;
    private bool _disposed;

    /// <summary>Makes a reporter without a device. It does nothing until it has one.</summary>
    /// <param name="frames">Whose free blocks to report. It must outlive the reporter.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public PageReporter(IFrameAllocator frames, PageReporterOptions? options = null)
        : this(Find(frames, options ??= new PageReporterOptions()), options, TimeProvider.System)
    {
    }

    /// <summary>Makes a reporter over any way of finding blocks, with a clock of the caller's.</summary>
    internal PageReporter(IReportableFrames frames, PageReporterOptions options, TimeProvider time)
    {
        options.Validate();
        _frames = frames;
        _time = time;
        _pace = new ReporterPace(options);
        Options = options;
        ulong managed = frames.Frames.Zone.FrameCount;
        _reserveFrames = Math.Min(Watermarks.For(managed).Low + ((ulong)Capacity << options.BlockOrder), managed / ReserveDivisor);
        frames.Frames.AddShrinker(this);
    }

    /// <summary>The options in force.</summary>
    public PageReporterOptions Options { get; }

    /// <summary>The registered device, or null.</summary>
    public IReportingDevice? Device => Atomic.LoadAcquire(ref _device);

    /// <summary>Whether an allocation waits for blocks that are under report at this moment.</summary>
    internal bool IsSomebodyWaiting => Atomic.LoadAcquire(ref _waiting) != 0;

    /// <summary>Gives the reporter a device. Blocks that another one was told of before are not reported again until they were used.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="InvalidOperationException">There is a device already; unregister it first.</exception>
    /// <exception cref="ArgumentException">The device cannot work for this zone.</exception>
    public void Register(IReportingDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (device is MadviseDevice && _frames.Frames.Zone.Kind == ZoneKind.Mappable)
        {
            throw new ArgumentException("A MadviseDevice gives private pages back; this zone is a memory file, whose pages it would keep.", nameof(device));
        }

        if (!Atomic.CompareExchange(ref _device, null, device)) // [R1]
        {
            throw new InvalidOperationException(
                $"The reporter is busy: it has a {Device?.GetType().Name ?? "device"} already. Unregister that one before a {device.GetType().Name}.");
        }
    }

    /// <summary>
    /// Takes the device away. When this returns no call of it is under way and none will follow, unless the device itself called this: then
    /// that call is the last.
    /// </summary>
    /// <param name="device">The device that is registered.</param>
    /// <exception cref="InvalidOperationException">It is not registered.</exception>
    public void Unregister(IReportingDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!Atomic.CompareExchange(ref _device, device, null)) // [R1]
        {
            throw new InvalidOperationException($"This {device.GetType().Name} is not registered with the reporter.");
        }

        Atomic.Add(ref _stopRequests, 1); // [R2]
        _passLock.Enter();
        _passLock.Exit();
    }

    /// <summary>Starts a background thread that makes passes by the pace of the options. It ends with the reporter.</summary>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public void Start()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_passLock)
        {
            if (_background is not null)
            {
                throw new InvalidOperationException("The reporter's thread runs already.");
            }

            _background = new BackgroundPasses(this, Options.PassInterval, "NativeMm reporter");
        }
    }

    /// <summary>Stops the background thread, if there is one, and lets go of the device and the frames.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _background?.Dispose();
        _frames.Frames.RemoveShrinker(this);
        if (Device is { } device && Atomic.CompareExchange(ref _device, device, null))
        {
            Atomic.Add(ref _stopRequests, 1);
        }

        // Wait for the pass that another thread may be in.
        _passLock.Enter();
        _passLock.Exit();
    }

    /// <inheritdoc/>
    ulong IShrinker.Shrink(ulong framesWanted) =>
        ((IPatientShrinker)this).Shrink(framesWanted, Environment.TickCount64 + (long)ShrinkerList.DefaultPatience.TotalMilliseconds);

    /// <inheritdoc/>
    /// <remarks>An allocation is about to fail: the pass under way ends, and its blocks come back as soon as the device lets go of them.</remarks>
    ulong IPatientShrinker.Shrink(ulong framesWanted, long deadline)
    {
        if (_quiet.IsSet || _passLock.IsHeldByCurrentThread)
        {
            return 0;
        }

        ulong isolated = Atomic.LoadAcquire(ref _isolatedFrames);
        Atomic.Add(ref _stopRequests, 1); // [R2]
        Atomic.Add(ref _waiting, 1);
        bool isBack = _quiet.Wait((int)Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue));
        Atomic.StoreRelease(ref _lastWait, Environment.TickCount64);
        Atomic.Add(ref _waiting, -1); // [R3]
        return isBack ? isolated : 0;
    }

    /// <inheritdoc/>
    void IBackgroundPass.RunPass() => Poll();

    private static IReportableFrames Find(IFrameAllocator frames, PageReporterOptions options)
    {
        ArgumentNullException.ThrowIfNull(frames);
        options.Validate();
        return ReportableFrames.For(frames, options.Scheme);
    }
}
