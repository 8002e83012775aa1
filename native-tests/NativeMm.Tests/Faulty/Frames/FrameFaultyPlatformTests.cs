using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Faulty.Frames;

/// <summary>The platform refuses memory, at every call that asks for some.</summary>
public sealed class FrameFaultyPlatformTests
{
    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Whatever_reservation_fails_nothing_leaks_and_the_reason_is_named(FrameVariant variant)
    {
        // Counts the calls of a run that succeeds, then lets each of them fail.
        int calls = Run(variant, failing: 0);
        Assert.True(calls >= 3, "The zone, its descriptors and the allocator's bookkeeping are three reservations at least.");
        for (int failing = 1; failing <= calls; failing++)
        {
            Run(variant, failing);
        }
    }

    [Theory]
    [InlineData(FrameVariant.LockFreeCached)]
    [InlineData(FrameVariant.BuddyCached)]
    public void Without_memory_for_a_stack_frames_come_from_behind(FrameVariant variant)
    {
        int calls = Run(variant, failing: 0);
        var platform = new FakePlatform { FailingReserve = calls };
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 4 << 20, out FrameZone? zone).Succeeded);
        IFrameAllocator[] chain = FrameVariants.Create(variant, zone!);

        Assert.True(chain[0].TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        Assert.Equal(calls, platform.ReserveCalls);
        Assert.Equal(1u, chain[0].GetStatistics().AllocatedFrames);
        chain[0].Free(frame, Order.Zero);
        chain[0].Validate();

        Dispose(chain, zone!);
        Assert.Equal(0, platform.LiveReservations);
    }

    private static int Run(FrameVariant variant, int failing)
    {
        var platform = new FakePlatform { FailingReserve = failing };
        PlatformResult result = FrameZone.TryCreate(platform, ZoneKind.Normal, 4 << 20, out FrameZone? zone);
        if (!result.Succeeded)
        {
            Assert.Equal(ErrorNumber.OutOfMemory, result.Errno);
            Assert.Null(zone);
            Assert.Equal(0, platform.LiveReservations);
            return platform.ReserveCalls;
        }

        var made = new List<IFrameAllocator>();
        try
        {
            IFrameAllocator[] chain = FrameVariants.Create(variant, zone!, made);
            Assert.True(chain[0].TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
            chain[0].Free(frame, Order.Zero);
            chain[0].Validate();
        }
        catch (OutOfMemoryException e)
        {
            Assert.Contains("ENOMEM", e.Message, StringComparison.Ordinal);
            Assert.Equal(failing, platform.ReserveCalls);
        }

        made.Reverse();
        Dispose([.. made], zone!);
        Assert.Equal(0, platform.LiveReservations);
        return platform.ReserveCalls;
    }

    private static void Dispose(IFrameAllocator[] chain, FrameZone zone)
    {
        foreach (IFrameAllocator allocator in chain)
        {
            allocator.Dispose();
        }

        zone.Dispose();
    }
}
