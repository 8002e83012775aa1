// Purpose      tells a device which free blocks nobody uses, so that their memory can go elsewhere.
// States       ReporterState: idle → requested → active → idle, by the pace. A block: free → isolated → free and reported.
//              The reporter: open → closed (no device, no new pass) → detached (its allocator knows it no more).
// Transitions  of blocks and the pace by whoever holds the pass lock; blocks change hands through IReportableFrames. Closing by whoever
//              disposes; detaching under the pass lock, by the disposer or, when the device disposes, by the pass that called it.
// Ownership    field                | who writes                    | who reads        | how
//              device, registration | register, unregister, close   | the pass         | gate; release, acquire [R1]
//              closed, background   | start, close                  | everybody        | gate; release, acquire [R4]
//              pressure requests    | failing allocations           | the pass         | add, acquire
//              isolating            | the pass: calls of the device with blocks | failing allocations | add, acquire [R2]
//              pace, walk, back-off, counters | the pass            | statistics       | pass lock; counters release, acquire
//              the same, while several threads make the pass: each of them, under the lock of the walk; whoever holds the pass lock waits for them
// Locks        pass lock, over a whole pass and so over calls of the device; then the gate, for a few instructions. Nobody asks for the pass
//              lock under the gate. The lock of a shared walk comes after the pass lock, and before those of the allocator.
// Ordering     [R1] a pass reads the registration before the device, and looks at the registration again before each call. Whoever takes the
//              device away changes the device, then the registration, and then takes the pass lock: when he has it, no call of that device
//              is under way and none will follow.
//              [R2] isolating goes up before blocks are isolated and down after they are put back, so whoever finds it 0 after his allocation
//              failed either failed for another reason or can have the blocks by trying again. It goes down whatever is thrown in between.
//              Of several threads each looks for requests after it went up, so once somebody has asked, each puts back what it has and takes no more.
//              [R3] the time is written before the count goes down, so a pass that finds nobody waiting sees when the last one was.
//              [R4] closing comes before the disposer's turn with the pass lock, and each pass looks under that lock: none begins after.
//              The reporter stays among the shrinkers until then, so that an allocation can wait for the blocks of the last call.
// Progress     blocking among passes only. Allocations never wait for a pass, except one that is about to fail: it waits for one call of the
//              device. Whoever disposes or unregisters waits for one call of the device, and for none if the device itself does.
// Source       Linux, mm/page_reporting.c. Departures: the pace also keeps back what was in use within the delay; pieces follow the blocks;
//              near the watermark calls get smaller instead of ending; see docs/algorithms/page-reporting.md.

using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// Finds free blocks of frames that a device does not know to be free, takes up to <see cref="Capacity"/> of them out of circulation at a
/// time, tells the device, and makes them free again. Thread-safe. One reporter a zone of frames.
/// </summary>
public sealed partial class PageReporter : IPatientShrinker, IBackgroundPass, IDisposable
{
    /// <summary>Most blocks that a device is told of in one call.</summary>
    public const int Capacity = 32;

    // Of a small zone so small a part stays free, whatever the watermark says: one in so many frames.
    private const ulong ReserveDivisor = 16;

    // Polls in a row that find nothing new before the background looks less often.
    private const int IdlePollsMin = 4;

    // After an allocation waited, no pass begins for so long: it takes what it waited for, rather than find it isolated again.
    private const long GraceMilliseconds = 5;
    private const long DeferMillisecondsMax = 100;

    private readonly IReportableFrames _frames;
    private readonly TimeProvider _time;
    private readonly ReporterPace _pace;
    private readonly DeviceBackoff _backoff;
    private readonly RestPace _rest = new(TimeSpan.Zero);
    private readonly string? _owner;
    private SleepLock _passLock;
    private SleepLock _gate;
    private BackgroundPasses? _background;
    private IReportingDevice? _device;
    private uint _registration;
    private uint _pressureRequests;
    private int _waiting;
    private int _isolating;
    private int _closed;
    private long _lastWait = -GraceMilliseconds;

    /// <summary>Makes a reporter without a device. It does nothing until it has one.</summary>
    /// <param name="frames">Whose free blocks to report. It must outlive the reporter.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The zone of the frames has a reporter already.</exception>
    public PageReporter(IFrameAllocator frames, PageReporterOptions? options = null)
        : this(Find(frames, options ??= new PageReporterOptions()), options, TimeProvider.System)
    {
    }

    /// <summary>Makes a reporter over any way of finding blocks, with a clock of the caller's.</summary>
    /// <param name="frames">How blocks are found.</param>
    /// <param name="options">What and how fast.</param>
    /// <param name="time">The clock.</param>
    /// <param name="owner">What makes its passes and ends it by <see cref="Close"/>, so that nobody else may; null for nothing.</param>
    internal PageReporter(IReportableFrames frames, PageReporterOptions options, TimeProvider time, string? owner = null)
    {
        options.Validate();
        _frames = frames;
        _time = time;
        _owner = owner;
        _pace = new ReporterPace(options);
        _backoff = new DeviceBackoff(options.PassInterval);
        Options = options;
        ulong managed = frames.Frames.Zone.FrameCount;
        ReserveFrames = Math.Min(Watermarks.For(managed).Low, managed / ReserveDivisor);
        Attach();
    }

    /// <summary>The options in force.</summary>
    public PageReporterOptions Options { get; }

    /// <summary>The registered device, or null.</summary>
    public IReportingDevice? Device => Atomic.LoadAcquire(ref _device);

    /// <summary>Frames that stay free while a device has blocks: the last ones are for allocations, which shall not have to wait.</summary>
    internal ulong ReserveFrames { get; }

    /// <summary>Whether an allocation waits for blocks that are under report at this moment.</summary>
    internal bool IsSomebodyWaiting => Atomic.LoadAcquire(ref _waiting) != 0;

    /// <summary>Whether the caller is the device, or is called by it, in a call of this reporter.</summary>
    internal bool IsReportingHere => _passLock.IsHeldByCurrentThread;

    /// <summary>Whether its own thread runs.</summary>
    internal bool HasThread => Atomic.LoadAcquire(ref _background!) is { IsRunning: true };

    private bool IsIsolating => Atomic.LoadAcquire(ref _isolating) != 0; // [R2]

    private bool IsClosed => Atomic.LoadAcquire(ref _closed) != 0; // [R4]

    /// <inheritdoc/>
    ulong IShrinker.Shrink(ulong framesWanted) =>
        ((IPatientShrinker)this).Shrink(framesWanted, Environment.TickCount64 + (long)ShrinkerList.DefaultPatience.TotalMilliseconds);

    /// <inheritdoc/>
    /// <remarks>An allocation is about to fail: the pass under way ends, and its blocks come back as soon as the device lets go of them.</remarks>
    ulong IPatientShrinker.Shrink(ulong framesWanted, long deadline)
    {
        if (!IsIsolating || IsReportingHere)
        {
            return 0;
        }

        ulong isolated = Atomic.LoadAcquire(ref _isolatedFrames);
        Atomic.Add(ref _pressureRequests, 1);
        Atomic.Add(ref _waiting, 1);
        var backoff = default(Backoff);
        while (IsIsolating && Environment.TickCount64 < deadline)
        {
            backoff.Wait();
        }

        bool isBack = !IsIsolating;
        Atomic.StoreRelease(ref _lastWait, Environment.TickCount64);
        Invariant.Assert(Atomic.LoadAcquire(ref _waiting) > 0, $"An allocation ends its wait, and {_waiting} wait.");
        Atomic.Add(ref _waiting, -1); // [R3]
        return isBack ? isolated : 0;
    }

    /// <inheritdoc/>
    TimeSpan IBackgroundPass.RunPass()
    {
        Poll();
        TellFailure();
        return _rest.NextWait(IsAtRest, Options.PassInterval);
    }

    private static IReportableFrames Find(IFrameAllocator frames, PageReporterOptions options)
    {
        ArgumentNullException.ThrowIfNull(frames);
        return ReportableFrames.For(frames, options.Scheme);
    }
}
