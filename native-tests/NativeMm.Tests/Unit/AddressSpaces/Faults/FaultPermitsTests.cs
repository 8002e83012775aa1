using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>Permits: no more than there are, and a frame that is given back with one comes with the next.</summary>
public sealed class FaultPermitsTests
{
    [Fact]
    public void No_more_are_out_than_there_are()
    {
        var permits = new FaultPermits(2);
        FaultPermit first = FaultPermit.None;
        FaultPermit second = FaultPermit.None;
        FaultPermit third = FaultPermit.None;
        Assert.True(permits.TryTake(0, ref first));
        Assert.True(permits.TryTake(0, ref second));
        Assert.False(permits.TryTake(0, ref third));
        Assert.Equal(2, permits.InUse);
        Assert.Equal(2, permits.Peak);
        permits.Return(ref first);
        Assert.True(permits.TryTake(7, ref third));
        permits.Return(ref second);
        permits.Return(ref third);
        Assert.Equal(0, permits.InUse);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_frame_that_was_not_used_is_kept_for_the_next(bool isZero)
    {
        var permits = new FaultPermits(1);
        FaultPermit permit = FaultPermit.None;
        Assert.True(permits.TryTake(0, ref permit));
        (permit.Frame, permit.IsZero) = (0x5000, isZero);
        permits.Return(ref permit);
        Assert.Equal(1, permits.KeptFrames);
        Assert.True(permits.TryTake(3, ref permit));
        Assert.Equal(((nuint)0x5000, isZero), (permit.Frame, permit.IsZero));
        Assert.Equal(0u, permits.TakeKept(0));
        permits.Return(ref permit);
        Assert.Equal(0x5000u, permits.TakeKept(0));
        Assert.Equal(0, permits.KeptFrames);
    }

    [Fact]
    public void Threads_never_share_one()
    {
        const int Permits = 3;
        var permits = new FaultPermits(Permits);
        int[] owners = new int[Permits];
        StartGate.Run(4, thread =>
        {
            for (int i = 0; i < 5000; i++)
            {
                FaultPermit permit = FaultPermit.None;
                if (permits.TryTake(thread, ref permit))
                {
                    Assert.Equal(0, Interlocked.Exchange(ref owners[permit.Cell], thread + 1));
                    Assert.Equal(thread + 1, Interlocked.Exchange(ref owners[permit.Cell], 0));
                    permits.Return(ref permit);
                }
            }
        });
        Assert.InRange(permits.Peak, 0, Permits);
        Assert.Equal(0, permits.InUse);
    }
}
