using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Lab.Baselines.Reporting;

/// <summary>
/// Hint per free: whoever frees a block tells the device at once, one block a call, before the block is free. No scan, no pace, no batch;
/// also for what will be allocated again in a moment. Blocks that only become large by merging are never reported. Thread-safe; blocks on
/// the device's lock.
/// </summary>
/// <param name="behind">The allocator that does the work.</param>
/// <param name="device">Who is told.</param>
/// <param name="order">Size of the smallest block that is reported.</param>
internal sealed class HintedFrames(BuddyFrameAllocator behind, IReportingDevice device, Order order) : WatchedFrames(behind)
{
    private readonly Lock _lock = new();
    private long _hints;
    private long _failures;

    /// <summary>Blocks that the device took note of.</summary>
    public long Hints => Atomic.LoadAcquire(in _hints);

    /// <summary>Blocks that the device failed to take note of; they are free all the same.</summary>
    public long Failures => Atomic.LoadAcquire(in _failures);

    /// <inheritdoc/>
    protected override void OnFreeing(Pfn frame, Order freed)
    {
        // A block that is not allocated is the caller's mistake, which the free is about to find; nobody may hear of it before.
        if (freed < order || frame.Value >= Zone.FrameCount || !WordOf(frame).IsAllocated(freed.Value))
        {
            return;
        }

        bool told = false;
        lock (_lock)
        {
            try
            {
                told = device.Report([new FrameRange(frame, freed, Zone.BaseAddress + frame.Offset)]) != FrameContent.Unknown;
            }
            catch (Exception)
            {
                // Counted below: a device must not keep a block from being freed.
            }
        }

        Atomic.Add(ref told ? ref _hints : ref _failures, 1);
    }
}
