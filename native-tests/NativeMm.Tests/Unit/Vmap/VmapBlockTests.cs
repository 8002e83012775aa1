using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed unsafe class VmapBlockTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxFact]
    public void ShortMapsShowTheirFramesAndShareOneRange()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[5];
        vmap.AllocateFrames(frames);
        byte* first = (byte*)vmap.MapRam(frames);
        byte* second = (byte*)vmap.MapRam(frames.AsSpan(1, 2));
        first[Page] = 42;
        Assert.Equal(42, *second);
        Assert.Equal(1, vmap.GetAreas().Count(area => area.State == VmapAreaState.Block));
        vmap.UnmapRam(first, 5);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.UnmapRam(first, 5)).Kind);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.UnmapRam(second, 3)).Kind);
        vmap.UnmapRam(second, 2);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void ABlockIsUnmappedByOneCallWhenAllOfItIsUsedUp()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[4];
        vmap.AllocateFrames(frames);
        long before = vmap.GetStatistics().UnmapCalls;
        for (int i = 0; i < 1024 / 4; i++)
        {
            vmap.UnmapRam(vmap.MapRam(frames), 4);
        }

        Assert.Equal(before, vmap.GetStatistics().UnmapCalls);
        vmap.Purge();
        Assert.True(vmap.GetStatistics().UnmapCalls - before <= Environment.ProcessorCount + 1);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void StalePartsOfFullyCutBlocksAreUnmappedToo()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[64];
        vmap.AllocateFrames(frames);
        var maps = new List<nuint>();
        for (int i = 0; i < 40; i++)
        {
            maps.Add((nuint)vmap.MapRam(frames));
        }

        for (int i = 0; i < maps.Count; i += 2)
        {
            vmap.UnmapRam((void*)maps[i], 64);
        }

        Assert.Equal(40u, vmap.References(frames[0]).Mappings);
        vmap.UnmapAliases();
        Assert.Equal(20u, vmap.References(frames[0]).Mappings);
        for (int i = 1; i < maps.Count; i += 2)
        {
            *(byte*)maps[i] = 1;
            vmap.UnmapRam((void*)maps[i], 64);
        }

        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void ABlockIsReturnedToTheQueueThatMadeItWhereverItIsReturned()
    {
        // Maps of all threads are returned by all others while purges look for idle blocks: a block under a wrong lock would corrupt its queue.
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[8];
        vmap.AllocateFrames(frames);
        using var handed = new System.Collections.Concurrent.BlockingCollection<nuint>(64);
        StartGate.Run(4, thread =>
        {
            for (int i = 0; i < 3000; i++)
            {
                if (thread % 2 == 0)
                {
                    handed.Add((nuint)vmap.MapRam(frames));
                }
                else
                {
                    vmap.UnmapRam((void*)handed.Take(), 8);
                    if (i % 500 == 0)
                    {
                        vmap.Purge();
                    }
                }
            }
        });
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }
}
