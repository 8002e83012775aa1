using System.Runtime.CompilerServices;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>
/// A block leaves the queue that made it, wherever its maps are returned. Linux once looked the queue up by the address of the block, took the lock of
/// another core's queue, and damaged the list (6.6, fixed in 2024).
/// </summary>
public sealed unsafe class VmapBlockQueueTests
{
    private const int PagesOfMap = 64;
    private const int MapsOfBlock = (int)VmapBlock.Pages / PagesOfMap;

    [LinuxFact]
    public void A_block_that_is_returned_on_another_core_leaves_the_queue_of_its_maker()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[PagesOfMap];
        vmap.AllocateFrames(frames);
        (CoreId maker, CoreId other) = PinnedThread.TwoCores();
        nuint[] maps = MapBlock(vmap, maker, frames);
        VmapBlock made = Assert.Single(BlocksOf(vmap));
        nuint own = 0;
        PinnedThread.Run(other, () =>
        {
            own = (nuint)vmap.MapRam(frames);
            foreach (nuint map in maps[1..])
            {
                vmap.UnmapRam((void*)map, PagesOfMap);
                AssertMembership(vmap);
            }

            // The last one takes the block out of its queue, which is not this core's.
            Assert.Contains(made, BlocksOf(vmap));
            vmap.UnmapRam((void*)maps[0], PagesOfMap);
        });
        AssertMembership(vmap);
        Assert.DoesNotContain(made, BlocksOf(vmap));
        Assert.Single(BlocksOf(vmap));

        // Both cores go on with sound queues.
        PinnedThread.Run(maker, () => vmap.UnmapRam((void*)own, PagesOfMap));
        foreach (nuint map in MapBlock(vmap, maker, frames))
        {
            vmap.UnmapRam((void*)map, PagesOfMap);
        }

        AssertMembership(vmap);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_purge_takes_an_idle_block_out_of_the_queue_of_its_maker()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[PagesOfMap];
        vmap.AllocateFrames(frames);
        (CoreId maker, CoreId other) = PinnedThread.TwoCores();
        nuint mine = 0;
        PinnedThread.Run(maker, () => mine = (nuint)vmap.MapRam(frames));
        PinnedThread.Run(other, () => vmap.UnmapRam((void*)mine, PagesOfMap));
        AssertMembership(vmap);
        PinnedThread.Run(other, () => vmap.Purge());
        Assert.Empty(BlocksOf(vmap));
        AssertMembership(vmap);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    /// <summary>The control: with a block in the queue of another core, as if that had been found by the address, the check above sees it.</summary>
    [LinuxFact]
    public void A_block_in_the_queue_of_another_core_is_seen()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        VmapBlockQueue[] queues = QueuesOf(vmap);
        if (queues.Length < 2)
        {
            // One core has one queue: there is no other to be confused with.
            return;
        }

        Pfn[] frames = new Pfn[PagesOfMap];
        vmap.AllocateFrames(frames);
        nuint[] maps = MapBlock(vmap, PinnedThread.TwoCores().First, frames);
        AssertMembership(vmap);
        VmapBlockQueue home = queues.Single(queue => queue.First is not null);
        VmapBlock block = home.First!;
        VmapBlockQueue other = queues.First(queue => queue != home);
        using (home.Lock.EnterScope())
        using (other.Lock.EnterScope())
        {
            home.Current = null;
            home.Remove(block);
            other.Add(block);
        }

        Assert.ThrowsAny<XunitException>(() => AssertMembership(vmap));
        foreach (nuint map in maps)
        {
            vmap.UnmapRam((void*)map, PagesOfMap);
        }

        // Nothing of it is in use, and it was never taken out: this is what the tests above would find.
        Assert.Contains(block, BlocksOf(vmap));
    }

    /// <summary>Each block lies in one queue, the one that it names, and what is cut from lies in its queue.</summary>
    private static void AssertMembership(VmapAllocator vmap)
    {
        foreach (VmapBlockQueue queue in QueuesOf(vmap))
        {
            Assert.All(BlocksIn(queue), block => Assert.Same(queue, block.Queue));
            Assert.True(queue.Current is null || BlocksIn(queue).Contains(queue.Current), "A queue cuts from a block that is not in it.");
        }

        VmapBlock[] blocks = BlocksOf(vmap);
        Assert.Equal(blocks.Length, blocks.Distinct().Count());
        Assert.Equal(blocks.Length, vmap.GetAreas().Count(area => area.State == VmapAreaState.Block));
    }

    private static nuint[] MapBlock(VmapAllocator vmap, CoreId core, Pfn[] frames)
    {
        nuint[] maps = new nuint[MapsOfBlock];
        PinnedThread.Run(core, () =>
        {
            for (int i = 0; i < maps.Length; i++)
            {
                maps[i] = (nuint)vmap.MapRam(frames);
            }
        });
        return maps;
    }

    private static VmapBlock[] BlocksOf(VmapAllocator vmap) => [.. QueuesOf(vmap).SelectMany(queue => BlocksIn(queue))];

    private static IEnumerable<VmapBlock> BlocksIn(VmapBlockQueue queue)
    {
        for (VmapBlock? block = queue.First; block is not null; block = block.Next)
        {
            yield return block;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_queues")]
    private static extern ref VmapBlockQueue[] QueuesOf(VmapAllocator vmap);
}
