using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// Frees many areas of one page, in any order, until the trigger is pulled and all of it is free space again, while another thread goes on
/// allocating. With many areas nothing is really mapped: a process may not have that many mappings, and what is asked about is the bookkeeping and
/// its lock. With few of them each is mapped and written to, so that every piece is a system call that unmaps.
/// </summary>
internal sealed class DrainMeasurement(MeasurementRequest request)
{
    private const int Seed = 0x6472;
    private const int WarmUpAreas = 512;
    private const int Burst = 256;
    private const double Million = 1e6;
    private const nuint Page = Pfn.FrameBytes;
    private const uint SparePages = 1 << 14;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(20);

    private readonly int _areas = int.Parse(request.Parameters["areas"]!, CultureInfo.InvariantCulture);
    private readonly bool _alternating = request.Parameters["layout"] == DrainLayout.Alternating;
    private readonly bool _mapped = request.Parameters["mapped"] == DrainMapping.Yes;

    /// <summary>Measures one drain.</summary>
    public Measurement Measure()
    {
        using VmapRig rig = MakeRig();
        using var crew = new ThreadCrew(2, request.Pin);
        Warmup.UntilCompilerIsQuiet(() => crew.Run(thread => WarmUp(rig.Allocator, thread)));

        // What goes to the pool of a core does not wait for a purge: there must be enough for both.
        int pooled = (int)(rig.Allocator.Options.PooledBytesMaxPerCore / Page);
        // The core that a range comes from is the one whose pool takes it back, so one thread allocates all of them.
        (nuint[] freed, nuint[] kept) = ([], []);
        crew.Run(thread =>
        {
            if (thread == 0)
            {
                (freed, kept) = Allocate(rig.Allocator, _areas + pooled + 1);
            }
        });
        rig.Allocator.Purge();
        rig.Forget();
        long unmaps = rig.Allocator.GetStatistics().UnmapCalls;
        var foreground = new ForegroundLoad(rig.Allocator);
        DurationHistogram frees = default;
        double time = 0;
        crew.Run(thread =>
        {
            if (thread == 0)
            {
                time = FreeAndDrain(rig, freed, ref frees);
                foreground.Stop();
            }
            else
            {
                foreground.Run(crew.Abort);
            }
        });
        Measurement result = Describe(rig, foreground.Latencies, frees, time / freed.Length);
        if (_mapped)
        {
            unmaps = rig.Allocator.GetStatistics().UnmapCalls - unmaps;
            result.Add("unmaps_per_million_frees", unmaps * Million / freed.Length);
        }

        GiveBack(rig.Allocator, kept);
        rig.Allocator.Validate();
        return result;
    }

    private static Measurement Describe(VmapRig rig, in DurationHistogram allocations, in DurationHistogram frees, double perArea)
    {
        DurationHistogram holds = rig.FreeSpace.Holds;
        return new Measurement()
            .Add("ns_per_op", perArea)
            .Add("hold_max", holds.MaximumNanoseconds)
            .Add("hold_p999", holds.QuantileNanoseconds(0.999))
            .Add("alloc_max", allocations.MaximumNanoseconds)
            .Add("alloc_p999", allocations.QuantileNanoseconds(0.999))
            .Add("free_max", frees.MaximumNanoseconds)
            .Add("free_p999", frees.QuantileNanoseconds(0.999))
            .Add("drain_ns", rig.Clock.LongestNanoseconds)
            .Add("purges", rig.Clock.Purges)
            .Add("outstanding_max", rig.Outstanding.Peak);
    }

    private VmapRig MakeRig()
    {
        // Room for the areas twice over, for what the foreground leaves behind, and for a pool on each core.
        ulong pages = (4 * (ulong)_areas) + SparePages + ((ulong)Environment.ProcessorCount * (new VmapOptions().PooledBytesMaxPerCore / Page));
        var options = new VmapOptions
        {
            CapacityBytes = pages * Page,
            Purge = PurgePolicyText.Parse(request.Parameters["policy"] ?? PurgePolicyText.Default, (uint)_areas),
        };
        IMemoryPlatform platform = _mapped ? SystemPlatform.Current : new UnmappedPlatform(SystemPlatform.Current);
        return new VmapRig(request.Case.Variant, options, platform, long.MaxValue);
    }

    // Pauses between bursts leave a core to whoever purges meanwhile: with three busy threads on two cores the longest hold would be the time that
    // the scheduler takes the holder off its core. The pauses do not count. The time goes on until everything is drained, by whomever: a
    // trigger that was not pulled, or left something, is helped by a purge.
    private double FreeAndDrain(VmapRig rig, nuint[] freed, ref DurationHistogram frees)
    {
        double time = 0;
        foreach (nuint[] burst in freed.Chunk(Burst))
        {
            time += FreeBurst(rig.Allocator, burst, ref frees);
            Thread.Sleep(1);
        }

        long begun = Stopwatch.GetTimestamp();
        while (rig.Outstanding.Now > _areas / 2 && Stopwatch.GetElapsedTime(begun) < s_patience)
        {
            Thread.Sleep(1);
        }

        rig.Allocator.Purge();
        return time + Stopwatch.GetElapsedTime(begun).TotalNanoseconds;
    }

    private static double FreeBurst(VmapAllocator allocator, nuint[] burst, ref DurationHistogram frees)
    {
        long begun = Stopwatch.GetTimestamp();
        long before = begun;
        foreach (nuint address in burst)
        {
            Free(allocator, address);
            long now = Stopwatch.GetTimestamp();
            frees.Add(now - before);
            before = now;
        }

        return Stopwatch.GetElapsedTime(begun, before).TotalNanoseconds;
    }

    /// <summary>Allocates the areas to free, and between them those to keep.</summary>
    private (nuint[] Freed, nuint[] Kept) Allocate(VmapAllocator allocator, int freed)
    {
        int step = _alternating ? 2 : 1;
        var all = new nuint[freed * step];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = Alloc(allocator);
            Touch(all[i]);
        }

        Array.Sort(all);
        nuint[] wanted = [.. all.Where((_, i) => i % step == 0)];
        nuint[] kept = [.. all.Where((_, i) => i % step != 0)];
        new Random(Seed).Shuffle(wanted);
        return (wanted, kept);
    }

    private static void WarmUp(VmapAllocator allocator, int thread)
    {
        nuint[] areas = new nuint[WarmUpAreas];
        for (int i = 0; i < areas.Length; i++)
        {
            areas[i] = Alloc(allocator);
        }

        GiveBack(allocator, [.. areas.Where((_, i) => i % 2 == 0)]);
        if (thread == 0)
        {
            allocator.Purge();
        }

        GiveBack(allocator, [.. areas.Where((_, i) => i % 2 != 0)]);
    }

    private static void GiveBack(VmapAllocator allocator, nuint[] areas)
    {
        foreach (nuint address in areas)
        {
            Free(allocator, address);
        }
    }

    /// <summary>What was never written to has no translation that an unmapping would have to drop.</summary>
    private unsafe void Touch(nuint area)
    {
        if (_mapped)
        {
            *(byte*)area = 1;
        }
    }

    private static unsafe nuint Alloc(VmapAllocator allocator) => (nuint)allocator.Alloc(Page);

    private static unsafe void Free(VmapAllocator allocator, nuint address) => allocator.Free((void*)address);
}
