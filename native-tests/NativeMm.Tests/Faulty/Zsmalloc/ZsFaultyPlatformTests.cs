using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Faulty.Zsmalloc;

/// <summary>The platform refuses memory, at every call that the pool makes.</summary>
public sealed class ZsFaultyPlatformTests
{
    [Fact]
    public void Whatever_reservation_fails_nothing_leaks_and_the_pool_works_on()
    {
        int calls = Run(failing: 0);
        Assert.True(calls >= 8, $"Six tables and a chunk for each of two are eight reservations, not {calls}.");
        for (int failing = 1; failing <= calls; failing++)
        {
            Run(failing);
        }
    }

    /// <summary>Makes a pool, stores, frees and disposes; one reservation after the zone's is refused.</summary>
    /// <returns>Reservations made by the pool.</returns>
    private static int Run(int failing)
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 4 << 20, out FrameZone? zone).Succeeded);
        var frames = new LockFreeFrameAllocator(zone!);
        int before = platform.Calls(PlatformCall.Reserve);
        if (failing != 0)
        {
            platform.FailCall(failing, kind: PlatformCall.Reserve);
        }

        try
        {
            using var pool = new ZsPool(frames, ZsFixture.Quiet);
            Use(pool, failing != 0);
            Assert.True(platform.Failures == (failing == 0 ? 0 : 1), "The call that was to fail was not made.");
        }
        catch (OutOfMemoryException e)
        {
            Assert.NotEqual(0, failing);
            Assert.Contains("bookkeeping", e.Message, StringComparison.Ordinal);
        }

        int calls = platform.Calls(PlatformCall.Reserve) - before;
        Assert.Equal(0u, frames.GetStatistics().AllocatedFrames);
        frames.Dispose();
        zone!.Dispose();
        platform.AssertNothingLeaked();
        return calls;
    }

    private static void Use(ZsPool pool, bool mayRefuse)
    {
        ZsHandle first;
        int refused = 0;
        while (!pool.TryAlloc(1000, out first))
        {
            refused++;
            pool.Validate();
        }

        Assert.InRange(refused, 0, mayRefuse ? 1 : 0);
        pool.Write(first, ZsFixture.Content(1000, 1));
        using (ZsReadLease lease = pool.OpenRead(first, new byte[1000]))
        {
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(1000, 1)));
        }

        pool.Free(first);
        pool.Validate();
        Assert.Equal(0, pool.GetTotalFrames());
    }
}
