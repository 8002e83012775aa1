using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>A frame is nobody else's while any mapping of it exists, stale ones among them, as the system sees it.</summary>
public sealed unsafe class StaleMappingTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [LinuxFact]
    public void No_frame_comes_back_while_the_purge_is_at_its_mapping()
    {
        var platform = new MappedFramesPlatform();
        using VmapAllocator vmap = Make(platform);
        Pfn[] given = new Pfn[16];
        vmap.AllocateFrames(given);
        vmap.Unmap(vmap.Map(given));
        vmap.FreeFrames(given);
        vmap.Free(vmap.Alloc(100 * Page));
        using var parked = new Rendezvous(s_timeout);
        Rendezvous? place = parked;
        platform.BeforeRevoke = () => Interlocked.Exchange(ref place, null)?.Wait();
        var purger = new Thread(() => vmap.Purge()) { IsBackground = true };
        purger.Start();
        parked.AwaitArrival();

        // Everything that can be had at this moment.
        List<Pfn> free = TakeAll(vmap);
        int mapped = free.Sum(platform.PagesOf);
        parked.Release();
        Assert.True(purger.Join(s_timeout));
        Assert.Equal(0, mapped);
        Assert.Empty(free.Intersect(given));

        // Now the rest is there, too.
        List<Pfn> rest = TakeAll(vmap);
        Assert.Equal(116, rest.Count);
        Assert.Empty(given.Except(rest));
        Assert.Equal(0, rest.Sum(platform.PagesOf));
        vmap.FreeFrames([.. free, .. rest]);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void No_frame_comes_back_while_a_stale_short_map_of_it_is_unmapped()
    {
        var platform = new MappedFramesPlatform();
        using VmapAllocator vmap = Make(platform);
        Pfn[] given = new Pfn[8];
        vmap.AllocateFrames(given);
        void* stays = vmap.MapRam(given.AsSpan(0, 1));
        vmap.UnmapRam(vmap.MapRam(given), given.Length);
        vmap.FreeFrames(given);
        using var parked = new Rendezvous(s_timeout);
        Rendezvous? place = parked;
        platform.BeforeRevoke = () => Interlocked.Exchange(ref place, null)?.Wait();
        var flusher = new Thread(vmap.UnmapAliases) { IsBackground = true };
        flusher.Start();
        parked.AwaitArrival();
        List<Pfn> free = TakeAll(vmap);
        parked.Release();
        Assert.True(flusher.Join(s_timeout));
        Assert.Empty(free.Intersect(given));
        List<Pfn> rest = TakeAll(vmap);
        Assert.Equal(given[1..].Order(ByNumber), rest.Order(ByNumber));
        vmap.FreeFrames([.. free, .. rest]);
        vmap.UnmapRam(stays, 1);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxTheory]
    [InlineData(PurgeExecutor.Caller)]
    [InlineData(PurgeExecutor.WorkerPerLazyMax)]
    public void Frames_are_their_owners_through_every_mapping_beside_frees_and_purges(PurgeExecutor executor)
    {
        const int Threads = 3;
        var platform = new MappedFramesPlatform();
        using VmapAllocator vmap = Make(platform, new LazyPurgePolicy { Executor = executor, LazyPagesMax = 64, LazyPiecesMax = 16 });
        var owners = new FrameOwner[Threads];
        StartGate.Run(Threads, thread =>
        {
            owners[thread] = new FrameOwner(vmap, platform, seed: 100 + thread);
            owners[thread].Run(steps: 8000);
        });
        Assert.True(owners.Sum(owner => owner.Received) > 1024 * 2, "Too few frames came back to somebody.");
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
        Assert.Equal(0, platform.MappedPages);
    }

    private static Comparer<Pfn> ByNumber => Comparer<Pfn>.Create((left, right) => left.Value.CompareTo(right.Value));

    private static VmapAllocator Make(MappedFramesPlatform platform, LazyPurgePolicy? purge = null) => new(
        new VmapOptions
        {
            CapacityBytes = 4 << 20,
            WindowBytes = 64 << 20,
            PooledBytesMaxPerCore = purge is null ? 0 : 64 * Page,
            Purge = purge ?? new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        },
        platform);

    /// <summary>All frames that are free at this moment, without a purge.</summary>
    private static List<Pfn> TakeAll(VmapAllocator vmap)
    {
        var all = new List<Pfn>();
        Span<Pfn> one = stackalloc Pfn[1];
        try
        {
            while (true)
            {
                vmap.AllocateFrames(one, FrameFlags.NoReclaim);
                all.Add(one[0]);
            }
        }
        catch (OutOfMemoryException)
        {
            return all;
        }
    }
}
