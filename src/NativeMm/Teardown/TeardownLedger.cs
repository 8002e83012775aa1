using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>The counts of a runtime's teardowns. Thread-safe.</summary>
internal sealed class TeardownLedger
{
    private long _jobs;
    private long _frames;
    private long _bytes;
    private long _steps;
    private long _cpuNanoseconds;
    private long _belowFloor;
    private long _withoutWorker;
    private long _withoutMemory;
    private long _waits;
    private long _releasingFrames;
    private long _releasingMappings;
    private long _releasingBlocks;
    private int _width;

    /// <summary>Bytes in frames of the zone that are decided and not yet free.</summary>
    public long ReleasingFrameBytes => Atomic.LoadAcquire(in _releasingFrames);

    /// <summary>Bytes of the system's memory that are decided and that it does not have back yet, those in frames of the zone not among them.</summary>
    public long ReleasingMappingBytes => Atomic.LoadAcquire(in _releasingMappings);

    /// <summary>Changes what is decided and not yet free in the zone, by bytes: more when it is decided, less when it is free.</summary>
    public void AddReleasingFrames(long bytes) => Change(ref _releasingFrames, bytes);

    /// <summary>Changes what is decided and not yet the system's.</summary>
    public void AddReleasingMappings(long bytes) => Change(ref _releasingMappings, bytes);

    /// <summary>Bytes in blocks of heaps whose owner has ended, and that are not freed yet.</summary>
    public long ReleasingBlockBytes => Atomic.LoadAcquire(in _releasingBlocks);

    /// <summary>Changes what is decided and not yet freed in heaps.</summary>
    public void AddReleasingBlocks(long bytes) => Change(ref _releasingBlocks, bytes);

    /// <summary>A release was below the floor.</summary>
    public void NoteBelowFloor() => Atomic.Add(ref _belowFloor, 1);

    /// <summary>A release, or a part of one, found no worker.</summary>
    public void NoteWithoutWorker() => Atomic.Add(ref _withoutWorker, 1);

    /// <summary>A release, or a part of one, found no memory to be handed over.</summary>
    public void NoteWithoutMemory() => Atomic.Add(ref _withoutMemory, 1);

    /// <summary>Somebody waits.</summary>
    public void NoteWait() => Atomic.Add(ref _waits, 1);

    /// <summary>A job is done, and still in the hands of its last thread.</summary>
    public void NoteEnd(TeardownJob job)
    {
        if (job.IsPart)
        {
            return;
        }

        TeardownProgress progress = job.Progress;
        Atomic.Add(ref _frames, job.Frames);
        Atomic.Add(ref _bytes, progress.BytesDone);
        Atomic.Add(ref _steps, progress.Steps);
        Atomic.Add(ref _cpuNanoseconds, (long)progress.CpuTime.TotalNanoseconds);
        int reached;
        while (job.WidthReached > (reached = Atomic.LoadAcquire(in _width)) && !Atomic.CompareExchange(ref _width, reached, job.WidthReached))
        {
        }

        Atomic.Add(ref _jobs, 1);
    }

    /// <summary>What is decided is counted before any of it goes, so a count is never below none.</summary>
    private static void Change(ref long count, long bytes)
    {
        long left = Atomic.Add(ref count, bytes);
        Invariant.Assert(left >= 0, $"{left} bytes are left to release after {-bytes} were: they were never announced.");
    }

    /// <summary>The counts.</summary>
    public TeardownStatistics Read(int threads) => new()
    {
        Jobs = Atomic.LoadAcquire(in _jobs),
        Frames = Atomic.LoadAcquire(in _frames),
        Bytes = Atomic.LoadAcquire(in _bytes),
        Steps = Atomic.LoadAcquire(in _steps),
        CpuTime = TimeSpan.FromMicroseconds(Atomic.LoadAcquire(in _cpuNanoseconds) / 1000.0),
        WidthReached = Atomic.LoadAcquire(in _width),
        Threads = threads,
        InlineBelowFloor = Atomic.LoadAcquire(in _belowFloor),
        InlineWithoutWorker = Atomic.LoadAcquire(in _withoutWorker),
        InlineWithoutMemory = Atomic.LoadAcquire(in _withoutMemory),
        Waits = Atomic.LoadAcquire(in _waits),
        ReleasingBytes = ReleasingFrameBytes + ReleasingMappingBytes + ReleasingBlockBytes,
    };
}
