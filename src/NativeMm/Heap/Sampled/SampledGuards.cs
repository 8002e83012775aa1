using System.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Heap.Sampled;

/// <summary>
/// The sampler of one heap: decides which allocation gets a guarded page, and keeps the time that this takes within bounds. Thread-safe.
/// </summary>
/// <remarks>
/// Stacks are put into words at the sample, since nothing can be while a thread faults; that is nearly all of a sample's cost. After each sample,
/// and after the free of one, none follows until so much time has passed that the cost is the allowed share of it.
/// </remarks>
internal sealed class SampledGuards(SampledOptions options, string heapName)
{
    /// <summary>Calls for refills that a thread must answer to come by a sample, if it allocates by hits alone.</summary>
    private const int CallsPerInterval = 16;

    /// <summary>Most of one sample's time that counts: the first ones make the runtime compile what takes stacks, which says nothing of the others.</summary>
    private static readonly long s_costMax = Stopwatch.Frequency / 200;

    private readonly int _interval = options.Interval;
    private GuardedPages? _pages;
    private long _notBefore;
    private long _liveBlocks;
    private uint _call;

    /// <summary>The heap's name in messages.</summary>
    public string HeapName { get; } = heapName;

    /// <summary>Guarded blocks that are live, and the bytes of their pages; exact at rest.</summary>
    public (long Blocks, ulong Bytes) CountLive()
    {
        long blocks = Atomic.LoadAcquire(in _liveBlocks);
        return (blocks, (ulong)blocks * (_pages?.PageBytes ?? 0));
    }

    /// <summary>Whether the allocation that just refilled a cache is to be guarded.</summary>
    /// <param name="count">Allocations that the refill stands for.</param>
    public bool IsDue(int count)
    {
        if (!SampleCountdown.t_hasBegun || SampleCountdown.t_left > 2L * _interval)
        {
            // The thread's first refill, or one after an interval of another heap that samples much less often.
            SampleCountdown.t_hasBegun = true;
            SampleCountdown.t_left = NextInterval();
            SampleCountdown.t_call = _call;
        }

        SampleCountdown.t_left -= count;
        if (SampleCountdown.t_call != _call)
        {
            // A stale call number is harmless: the thread answers at its next refill.
            SampleCountdown.t_call = _call;
            SampleCountdown.t_left -= (_interval / CallsPerInterval) + 1;
        }

        if (SampleCountdown.t_left > 0)
        {
            return false;
        }

        SampleCountdown.t_left = NextInterval();
        return Stopwatch.GetTimestamp() >= Atomic.LoadAcquire(in _notBefore);
    }

    /// <summary>Notes that one magazine of each cache was emptied, so that threads whose allocations all hit come by. One caller at a time.</summary>
    public void CallForRefills() => _call++;

    /// <summary>Whether a block of that size can be guarded at all.</summary>
    public static bool Fits(nuint bytes) => bytes <= (nuint)Environment.SystemPageSize;

    /// <summary>Allocates a guarded block, if a slot is free and the system plays along.</summary>
    /// <param name="bytes">1 to a page.</param>
    /// <param name="alignment">Power of two, at most a page.</param>
    /// <param name="block">The block, or 0.</param>
    public bool TryAlloc(nuint bytes, nuint alignment, out nuint block)
    {
        long start = Stopwatch.GetTimestamp();
        block = 0;
        GuardedPages? pages = _pages ??= GuardedPages.OfProcess();
        if (pages is null || !pages.TryClaim(out int index))
        {
            return false;
        }

        bool atEnd = (Random.Shared.Next() & 1) == 0;
        block = pages.Open(index, bytes, alignment, atEnd, this, StackOrNothing());
        if (block != 0)
        {
            Diagnostics.Invariant.Assert(pages.Contains(block) && (block & (alignment - 1)) == 0, $"A guarded block at 0x{block:x} is outside of the guards, or at no multiple of {alignment}.");
            Atomic.Add(ref _liveBlocks, 1);
        }

        Charge(start);
        return block != 0;
    }

    /// <summary>Frees a guarded block; false when the address is not in the range of the guards.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">As <see cref="GuardedPages.Free"/>.</exception>
    public bool TryFree(nuint block)
    {
        GuardedPages? pages = _pages;
        if (pages is null || !pages.Contains(block))
        {
            return false;
        }

        long start = Stopwatch.GetTimestamp();
        pages.Free(block, this, out Diagnostics.MemoryFaultException? fault);
        Atomic.Add(ref _liveBlocks, -1);
        Diagnostics.Invariant.Assert(Atomic.LoadAcquire(in _liveBlocks) >= 0, "More guarded blocks were freed than there were.");
        Charge(start);
        return fault is null ? true : throw fault;
    }

    /// <summary>Bytes of the guarded block that begins at an address; 0 when none does.</summary>
    public nuint BytesOf(nuint address) => _pages is { } pages && pages.Contains(address) ? pages.BytesOf(address, this) : 0;

    /// <inheritdoc cref="GuardedPages.Validate"/>
    public void Validate() => _pages?.Validate(this);

    /// <summary>Frees every block of the heap.</summary>
    public void Release()
    {
        _pages?.FreeAll(this);
        Atomic.StoreRelease(ref _liveBlocks, 0);
    }

    /// <summary>The present stack as lines; nothing when there is no managed memory for it, because a free must not fail.</summary>
    public static string StackOrNothing()
    {
        try
        {
            return GuardText.Cut(AllocationStack.Text(AllocationStack.Capture()));
        }
        catch (OutOfMemoryException)
        {
            return string.Empty;
        }
    }

    /// <summary>Uniform, so that no pattern of the program hides from the samples; the mean is the interval.</summary>
    private long NextInterval() => Random.Shared.NextInt64(1, 2L * _interval);

    private void Charge(long start)
    {
        if (options.TimePercentMax >= 100)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        long rest = Math.Min(now - start, s_costMax) * 100 / options.TimePercentMax;
        long seen;
        do
        {
            seen = Atomic.LoadAcquire(in _notBefore);
        }
        while (!Atomic.CompareExchange(ref _notBefore, seen, Math.Max(seen, now) + rest));
    }
}
