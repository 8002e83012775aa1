// Purpose      a sample of the allocations of a runtime, with the places they come from, that costs the hit paths nothing.
// States       a sampled block lives outside of the zone, so that its free takes the slow path and is seen there; any other block is unknown here.
// Ownership    the counts of a thread | the thread. Sites and live samples | _lock.
// Ordering     the lock orders everything. A block is entered before its address is handed out, and struck out before it is freed.
// Progress     blocking, for a dictionary's insertion or removal. A free that is no sample's looks into the dictionary only if it leaves the zone.
// Source       the byte-based Poisson sampling of tcmalloc and of Go; the interval stretches where samples would take more than their share of the time,
//              after a burst of them: what a program allocates at its start, and then holds, has samples of its own.

using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Heap.Profile;

/// <summary>The profile of one runtime. Thread-safe.</summary>
/// <param name="interval">Bytes from one sample to the next, on average.</param>
/// <param name="timePercentMax">Most time that samples may take, in percent of one thread's; 100 for no bound.</param>
internal sealed class HeapProfile(long interval, int timePercentMax)
{
    /// <summary>So many live samples of small blocks at most: each has a mapping of its own. Those above it wait for the next one that has room.</summary>
    private const int LiveSamplesMax = 4096;

    private const int SitesMax = 16_384;

    /// <summary>What stands for more samples than this is not drawn one by one.</summary>
    private const int DrawsMax = 64;

    private const string Elsewhere = "   at [other places]";

    /// <summary>Most of one sample's time that counts: the first ones make the runtime compile what takes stacks.</summary>
    private static readonly long s_costMax = Stopwatch.Frequency / 200;

    /// <summary>So much time of samples may be spent at once, and is earned anew by the share.</summary>
    private static readonly long s_burst = Stopwatch.Frequency / 50;

    private readonly Dictionary<string, ProfileSite> _sites = new(StringComparer.Ordinal);
    private readonly Dictionary<nuint, ProfileSample> _live = [];
    private SleepLock _lock;
    private long _notBefore;
    private ulong _skipped;
    private ulong _withoutRoom;

    /// <summary>Bytes from one sample to the next, on average.</summary>
    public long Interval => interval;

    /// <summary>When it began.</summary>
    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    /// <summary>How many samples are due after so many more bytes of the calling thread; each stands for <see cref="Interval"/> bytes.</summary>
    /// <param name="bytes">What a refill, or a large block, stands for.</param>
    public long Due(double bytes)
    {
        if (!ReferenceEquals(ProfileCountdown.t_of, this))
        {
            ProfileCountdown.t_of = this;
            ProfileCountdown.t_left = NextInterval();
        }

        long due = 0;
        if (bytes > (double)interval * DrawsMax)
        {
            // The mean of so many draws is close enough, and a block of terabytes does not draw millions.
            due = (long)(bytes / interval);
            bytes -= (double)due * interval;
        }

        ProfileCountdown.t_left -= bytes;
        while (ProfileCountdown.t_left < 0)
        {
            ProfileCountdown.t_left += NextInterval();
            due++;
        }

        if (due == 0 || Stopwatch.GetTimestamp() >= Atomic.LoadAcquire(ref _notBefore))
        {
            return due;
        }

        // Whoever is sampled next stands for these too.
        Atomic.Add(ref _skipped, (ulong)due);
        return 0;
    }

    /// <summary>Enters a block, unless there is no managed memory for it.</summary>
    /// <param name="block">Its address, outside of the zone.</param>
    /// <param name="blockBytes">Its size.</param>
    /// <param name="due">What <see cref="Due"/> said.</param>
    /// <param name="isSmall">Whether it is in a mapping of its own as a sample only; then it stands for those that found no room, too.</param>
    /// <param name="heapTag">The heap that it belongs to.</param>
    public void Add(nuint block, nuint blockBytes, long due, bool isSmall, uint heapTag)
    {
        Invariant.Assert(block != 0 && blockBytes != 0 && due > 0, $"A sample of {blockBytes} bytes at 0x{block:x} stands for {due}.");
        long start = Stopwatch.GetTimestamp();
        try
        {
            string stack = AllocationStack.Text(AllocationStack.Capture());
            ulong others = Atomic.Exchange(ref _skipped, 0UL) + (isSmall ? Atomic.Exchange(ref _withoutRoom, 0UL) : 0);
            double bytes = interval * ((double)due + others);
            double objects = bytes / blockBytes;
            using (_lock.EnterScope())
            {
                ProfileSite site = SiteOf(stack);
                _live[block] = new ProfileSample(site, objects, bytes, heapTag);
                site.Allocated(objects, bytes);
            }
        }
        catch (OutOfMemoryException)
        {
            // The allocation is none the worse for it.
        }

        Charge(start);
    }

    /// <summary>Strikes a block out that is about to be freed, if it is a sample. Allocates nothing.</summary>
    public void Remove(nuint block)
    {
        using (_lock.EnterScope())
        {
            if (_live.Remove(block, out ProfileSample sample))
            {
                sample.Site.Freed(sample.Objects, sample.Bytes);
            }
        }
    }

    /// <summary>Strikes a block out that is about to move: until <see cref="Put"/> it is still in use.</summary>
    /// <returns>The sample, or null if it is none.</returns>
    public ProfileSample? Take(nuint block)
    {
        using (_lock.EnterScope())
        {
            return _live.Remove(block, out ProfileSample sample) ? sample : null;
        }
    }

    /// <summary>Enters a block that has moved. Without managed memory for it, it counts as freed.</summary>
    public void Put(nuint block, ProfileSample sample)
    {
        using (_lock.EnterScope())
        {
            try
            {
                _live[block] = sample;
            }
            catch (OutOfMemoryException)
            {
                sample.Site.Freed(sample.Objects, sample.Bytes);
            }
        }
    }

    /// <summary>Strikes out what a heap that ends still has.</summary>
    public void RemoveAll(uint heapTag)
    {
        using (_lock.EnterScope())
        {
            // Removing while walking is allowed, and needs no list.
            foreach ((nuint block, ProfileSample sample) in _live)
            {
                if (sample.HeapTag == heapTag)
                {
                    _live.Remove(block);
                    sample.Site.Freed(sample.Objects, sample.Bytes);
                }
            }
        }
    }

    /// <summary>Whether another small block may be put into a mapping of its own.</summary>
    public bool HasRoom
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _live.Count < LiveSamplesMax;
            }
        }
    }

    /// <summary>Counts samples of small blocks that found no room.</summary>
    public void Skip(long due) => Atomic.Add(ref _withoutRoom, (ulong)due);

    /// <summary>All places, those with the most bytes in use first.</summary>
    public IReadOnlyList<(string Stack, long AllocatedObjects, long AllocatedBytes, long InUseObjects, long InUseBytes)> Snapshot()
    {
        using (_lock.EnterScope())
        {
            return
            [
                .. _sites.Values.OrderByDescending(site => site.InUseBytes).Select(site => (
                    site.Stack,
                    (long)Math.Round(site.AllocatedObjects),
                    (long)Math.Round(site.AllocatedBytes),
                    (long)Math.Round(Math.Max(site.InUseObjects, 0)),
                    (long)Math.Round(Math.Max(site.InUseBytes, 0)))),
            ];
        }
    }

    private ProfileSite SiteOf(string stack)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread && _sites.Count <= SitesMax + 1, $"{_sites.Count} places are known, or looked for without the lock.");
        stack = _sites.Count < SitesMax || _sites.ContainsKey(stack) ? stack : Elsewhere;
        if (!_sites.TryGetValue(stack, out ProfileSite? site))
        {
            site = new ProfileSite(stack);
            _sites.Add(stack, site);
        }

        return site;
    }

    /// <summary>Exponential, so that the samples are a Poisson process over the bytes.</summary>
    private double NextInterval() => -Math.Log(1 - Random.Shared.NextDouble()) * interval;

    private void Charge(long start)
    {
        if (timePercentMax >= 100)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        long rest = Math.Min(now - start, s_costMax) * 100 / timePercentMax;
        long seen;
        do
        {
            seen = Atomic.LoadAcquire(ref _notBefore);
        }
        while (!Atomic.CompareExchange(ref _notBefore, seen, Math.Max(seen, now - (s_burst * 100 / timePercentMax)) + rest));
    }
}
