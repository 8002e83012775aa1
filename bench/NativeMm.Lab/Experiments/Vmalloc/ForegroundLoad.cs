using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// Somebody who has nothing to do with a drain: allocates and frees a page every 20 µs and takes the time of the allocation. One thread runs it,
/// another stops it.
/// </summary>
/// <param name="allocator">Where from.</param>
internal sealed class ForegroundLoad(VmapAllocator allocator)
{
    private static readonly long s_interval = Stopwatch.Frequency / 50_000;

    private DurationHistogram _latencies;
    private int _stopped;

    /// <summary>
    /// Times of the allocations. An allocation that took longer than the interval stands for those, too, that would have begun meanwhile and
    /// would have waited for the rest of it.
    /// </summary>
    public DurationHistogram Latencies => _latencies;

    /// <summary>Ends <see cref="Run"/>.</summary>
    public void Stop() => Atomic.StoreRelease(ref _stopped, 1);

    /// <summary>Goes on until <see cref="Stop"/>.</summary>
    /// <param name="abort">Raised when nobody will call that.</param>
    public unsafe void Run(AbortSignal abort)
    {
        while (Atomic.LoadAcquire(ref _stopped) == 0)
        {
            abort.ThrowIfRaised();
            long begun = Stopwatch.GetTimestamp();
            void* address = allocator.Alloc(Pfn.FrameBytes);
            Record(Stopwatch.GetTimestamp() - begun);
            allocator.Free(address);

            // Whoever else wants this core has it meanwhile.
            while (Stopwatch.GetTimestamp() - begun < s_interval)
            {
                Thread.Yield();
            }
        }
    }

    private void Record(long taken)
    {
        do
        {
            _latencies.Add(taken);
            taken -= s_interval;
        }
        while (taken > 0);
    }
}
